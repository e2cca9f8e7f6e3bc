import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cacheFolder,
  type Command,
  findCommand,
  type Log,
  oneAtATime,
  outputOf,
  tail,
} from './files';
import { startWatchdog, type Watchdog } from './watchdog';

/** MySQL's server and client, and what a container's entrypoint and port check call. */
const PACKAGES = [
  ...['mysql-server-core', 'mysql-client-core'],
  ...['base-files', 'coreutils', 'dash', 'grep', 'mawk', 'sed'],
];

/** What nobody here needs: half of the size. */
const UNNEEDED = [
  'usr/share/{doc,info,lintian,locale,man,perl,perl5}',
  'usr/lib/*/{perl,perl-base,perl5}',
  'usr/bin/{ibd2sdi,innochecksum,myisam*,mysql?*,perl*}',
];

const KEYRINGS = [
  '/usr/share/keyrings/debian-archive-keyring.gpg',
  '/usr/share/keyrings/debian-archive-keyring.pgp',
];

const prefix = () => join(cacheFolder(), `debian-mysql-${process.arch}`);

/** The folder with Debian's MySQL unpacked in it, when the cache has it: it got there in one piece. */
export const unpackedPackages = () => (existsSync(prefix()) ? prefix() : undefined);

/**
 * Unpacks MySQL from Debian's packages into the cache and returns the folder. Nothing is installed,
 * and root isn't needed: apt gets a state of its own. Throws when this isn't a machine with apt, or
 * no mirror can be reached.
 */
export async function unpackPackages(log: Log): Promise<string> {
  for (const tool of ['apt-get', 'dpkg-deb']) {
    if ((await findCommand(tool)) === undefined) throw new Error(`there is no ${tool} here`);
  }
  return oneAtATime('debian-mysql', async () => {
    const already = unpackedPackages();
    if (already !== undefined) return already;
    log("Fetching MySQL from Debian's packages, about 60 MB, once …");
    const work = join(cacheFolder(), `debian-mysql-${randomUUID()}`);
    const watchdog = startWatchdog({ removes: [work] });
    try {
      const unpacked = join(work, 'prefix');
      await extract(watchdog, await download(watchdog, work), unpacked);
      await rename(unpacked, prefix());
      return prefix();
    } finally {
      await watchdog.end();
    }
  });
}

const DEFAULT_MIRROR = 'http://deb.debian.org/debian';

/** Debian's archive as this machine is set up with, not its security updates; and at the end the one everybody has. */
async function mirrors(): Promise<string[]> {
  const asked = { command: 'apt-get', args: ['indextargets', '--format', '$(REPO_URI)'] };
  const uris = ((await outputOf(asked)) ?? '').split('\n').map((uri) => uri.replace(/\/$/, ''));
  return [...new Set([...uris.filter((uri) => uri.endsWith('/debian')), DEFAULT_MIRROR])];
}

/** Downloads the packages and returns their folder, from the first mirror that has them. */
async function download(watchdog: Watchdog, work: string): Promise<string> {
  const failures: string[] = [];
  for (const mirror of await mirrors()) {
    const state = join(work, 'apt');
    await rm(state, { recursive: true, force: true });
    const config = await writeAptConfig(state, mirror);
    const log = join(state, 'log');
    const apt = ['-q', '-y', '-c', config];
    const env = {
      ...process.env,
      APT_CONFIG: config,
      LC_ALL: 'C',
      DEBIAN_FRONTEND: 'noninteractive',
    };
    const install = ['install', '--download-only', '--no-install-recommends', ...PACKAGES];
    try {
      for (const args of [['update'], install]) {
        await runToEnd(watchdog, 'apt-get', [...apt, ...args], { log, env });
      }
      return join(state, 'cache', 'archives');
    } catch (error) {
      failures.push(`${mirror}: ${(error as Error).message}`);
    }
  }
  throw new Error(failures.join('\n'));
}

/** An apt that knows sid, the suite that carries MySQL, and nothing of what this machine has installed. */
async function writeAptConfig(state: string, mirror: string): Promise<string> {
  await mkdir(join(state, 'lists', 'partial'), { recursive: true });
  await mkdir(join(state, 'cache', 'archives', 'partial'), { recursive: true });
  await writeFile(join(state, 'status'), '');
  const keyring = KEYRINGS.find((path) => existsSync(path));
  const signedBy = keyring === undefined ? '' : `[signed-by=${keyring}] `;
  await writeFile(join(state, 'sources.list'), `deb ${signedBy}${mirror} sid main\n`);
  const config = join(state, 'apt.conf');
  await writeFile(
    config,
    `Dir::State "${state}";
Dir::State::status "${join(state, 'status')}";
Dir::Cache "${join(state, 'cache')}";
Dir::Etc::sourcelist "${join(state, 'sources.list')}";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::Log "${state}";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
`,
  );
  return config;
}

async function extract(watchdog: Watchdog, debs: string, into: string): Promise<void> {
  await mkdir(into);
  const script = `
    for deb in "$1"/*.deb; do dpkg-deb --extract "$deb" "$2"; done
    cd "$2" && rm -rf ${UNNEEDED.join(' ')}`;
  // bash for its braces; Debian always has it.
  await runToEnd(watchdog, 'bash', ['-euc', script, 'bash', debs, into], {
    log: join(debs, 'extract.log'),
  });
}

async function runToEnd(
  watchdog: Watchdog,
  command: string,
  args: readonly string[],
  options: { log: string; env?: NodeJS.ProcessEnv },
): Promise<void> {
  const run = await watchdog.run(command, args, options);
  const { code } = await run.ended;
  if (code !== 0) throw new Error(`${command} failed:\n${await tail(options.log, 5)}`);
}

const MULTIARCH: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
};

/**
 * How a program that was unpacked into a folder is run: through the dynamic linker in there, because
 * it needs the C library of its own suite, which is newer than the machine's.
 */
export async function debianProgram(folder: string, path: string): Promise<Command> {
  const libraries = join(folder, 'usr/lib', MULTIARCH[process.arch] ?? '');
  const linker = (await readdir(libraries)).find((name) => /^ld-linux-.*\.so\.\d+$/.test(name));
  if (linker === undefined) throw new Error(`no dynamic linker in ${libraries}`);
  const searched = [libraries, join(folder, 'usr/lib/mysql/private')].join(':');
  return {
    command: join(libraries, linker),
    args: ['--library-path', searched, join(folder, 'usr', path)],
  };
}

/** Tells a server that was unpacked into a folder where its files are. */
export const debianServerOptions = (folder: string) => [
  `--basedir=${folder}/usr`,
  `--plugin-dir=${folder}/usr/lib/mysql/plugin`,
  `--lc-messages-dir=${folder}/usr/share/mysql`,
  `--character-sets-dir=${folder}/usr/share/mysql/charsets`,
];
