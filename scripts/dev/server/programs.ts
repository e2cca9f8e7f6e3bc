import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { debianProgram, debianServerOptions, unpackedPackages, unpackPackages } from './debian';
import { cacheFolder, type Command, findCommand, type Log, outputOf, tail } from './files';
import { startWatchdog } from './watchdog';

/** The oldest MySQL that a server is started from here. */
export const OLDEST_VERSION = '8.4';

/** A mysqld that runs on this machine. `origin`: to be read after "a private mysqld": "from Debian's packages". */
export interface Mysqld extends Command {
  readonly version: string;
  readonly origin: string;
}

/** Where programs may be; each says what is there, undefined when nothing is, or throws an error that says why. */
interface Place<T> {
  readonly name: string;
  readonly look: (log: Log) => Promise<T | undefined>;
}

/** What is on this machine already comes before what must be fetched. */
const SERVERS: readonly Place<Mysqld>[] = [
  {
    name: 'mysqld on the PATH',
    look: async () => {
      const path = await onPath('mysqld', ['/usr/sbin', '/usr/local/sbin']);
      return server(path, `at ${path}`);
    },
  },
  { name: 'the cache', look: async () => memoryServer(await fetchedByMemoryServer()) },
  { name: 'the cache', look: () => debianServer(unpackedPackages()) },
  {
    name: 'mysql-memory-server',
    look: async (log) => memoryServer(await fetchWithMemoryServer(log)),
  },
  { name: "Debian's packages", look: async (log) => debianServer(await unpackPackages(log)) },
];

const CLIENTS: readonly Place<Command>[] = [
  { name: 'mysql on the PATH', look: async () => checked(await onPath('mysql')) },
  {
    name: 'the cache',
    look: async () => {
      const mysqld = await fetchedByMemoryServer();
      return mysqld === undefined ? undefined : checked(join(dirname(mysqld), 'mysql'));
    },
  },
  { name: 'the cache', look: () => debianClient(unpackedPackages()) },
  { name: "Debian's packages", look: async (log) => debianClient(await unpackPackages(log)) },
];

/** The mysqld to run, fetched when there is none. Throws an Error with the reason for every place. */
export const findMysqld = (log: Log) => firstOf(SERVERS, log);

/**
 * The `mysql` command-line client: the one on the PATH when it is MySQL's, else the one that came
 * with the server, else Debian's. It reads no option files, so that it works the same everywhere.
 */
export const mysqlClientCommand = (log: Log = () => undefined): Promise<Command> =>
  firstOf(CLIENTS, log);

async function firstOf<T>(places: readonly Place<T>[], log: Log): Promise<T> {
  const reasons: string[] = [];
  for (const { name, look } of places) {
    try {
      const found = await look(log);
      if (found !== undefined) return found;
    } catch (error) {
      reasons.push(`${name}: ${(error as Error).message}`);
    }
  }
  throw new Error(reasons.join('\n'));
}

async function onPath(name: string, alsoIn?: readonly string[]): Promise<string> {
  const path = await findCommand(name, alsoIn);
  if (path === undefined) throw new Error('there is none');
  return path;
}

const memoryServer = async (path: string | undefined) =>
  path === undefined ? undefined : server(path, 'fetched by mysql-memory-server');

async function debianServer(folder: string | undefined): Promise<Mysqld | undefined> {
  if (folder === undefined) return undefined;
  const { command, args } = await debianProgram(folder, 'sbin/mysqld');
  return server(command, "from Debian's packages", args, debianServerOptions(folder));
}

async function debianClient(folder: string | undefined): Promise<Command | undefined> {
  if (folder === undefined) return undefined;
  const { command, args } = await debianProgram(folder, 'bin/mysql');
  return checked(command, args);
}

const server = async (
  command: string,
  origin: string,
  before?: readonly string[],
  options?: readonly string[],
): Promise<Mysqld> => ({ ...(await checked(command, before, options)), origin });

/** A program that is a MySQL and works here, which its version shows at once. `before`: what comes before all options. */
async function checked(
  command: string,
  before: readonly string[] = [],
  options: readonly string[] = [],
): Promise<Command & { version: string }> {
  const program = { command, args: [...before, '--no-defaults', ...options] };
  const printed = await outputOf(program, '--version');
  if (printed === undefined) throw new Error(`${command} does not run on this machine`);
  return { ...program, version: mysqlVersion(printed) };
}

/**
 * The version in what `mysqld --version` or `mysql --version` prints, such as
 * "mysqld  Ver 9.7.4 for Linux on x86_64 (MySQL Community Server - GPL)".
 * Throws an Error that says why when it isn't a MySQL, or one that is too old.
 */
export function mysqlVersion(printed: string): string {
  const version = /Ver (\d+\.\d+\.\d+\S*)/.exec(printed)?.[1];
  if (version === undefined || /mariadb/i.test(printed)) {
    throw new Error(`"${printed}" is not a MySQL`);
  }
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_VERSION.split('.').map(Number);
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    throw new Error(`MySQL ${version} is older than ${OLDEST_VERSION}`);
  }
  return version;
}

/** The LTS series that mysql-memory-server is asked for. */
const VERSION = '9.7.x';
/** It downloads from here; a machine that can't reach it finds out in seconds this way. */
const DOWNLOADS = 'https://cdn.mysql.com/';
const REACHED_WITHIN_MS = 3_000;
const FETCHED_WITHIN_MS = 5 * 60_000;

/** The mysqld that mysql-memory-server fetched earlier, if it is still there. */
async function fetchedByMemoryServer(): Promise<string | undefined> {
  const path = (await readFile(note(), 'utf8').catch(() => '')).trim();
  return existsSync(path) ? path : undefined;
}

/** Has mysql-memory-server fetch a mysqld, and returns its path. Throws when it can't. */
async function fetchWithMemoryServer(log: Log): Promise<string> {
  try {
    await fetch(DOWNLOADS, { method: 'HEAD', signal: AbortSignal.timeout(REACHED_WITHIN_MS) });
  } catch {
    throw new Error(`${DOWNLOADS} can't be reached`);
  }
  log('Fetching MySQL with mysql-memory-server, once …');
  const output = join(tmpdir(), `order-timeout-fetch-${randomUUID()}.log`);
  const watchdog = startWatchdog({ removes: [output] });
  try {
    const script = join(__dirname, 'memory-server-process.mjs');
    const run = await watchdog.run(process.execPath, [script, VERSION], { log: output });
    const tooLate = sleep(FETCHED_WITHIN_MS, undefined, { ref: false });
    const end = await Promise.race([run.ended, tooLate]);
    const last = await tail(output, 1);
    if (end === undefined) throw new Error('not fetched within 5 minutes');
    if (end.code !== 0) throw new Error(last);
    await mkdir(dirname(note()), { recursive: true });
    await writeFile(note(), `${last}\n`);
    return last;
  } finally {
    await watchdog.end();
  }
}

function note(): string {
  return join(cacheFolder(), `mysql-memory-server-${process.arch}.path`);
}
