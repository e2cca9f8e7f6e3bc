import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MySqlContainer, StartedMySqlContainer } from '@testcontainers/mysql';
import type { ContainerRuntimeClient } from 'testcontainers';
import { identify, type MysqlServer } from './connect';
import { unpackedPackages, unpackPackages } from './debian';
import { type Log, oneAtATime } from './files';
import { serverArguments, type Settings } from './settings';
import { startWatchdog, type Watchdog } from './watchdog';

/** The second way to a server: a container. Throws NoEngine when no Docker engine answers. */
export async function containerServer(log: Log, settings: Settings): Promise<MysqlServer> {
  const engine = await findEngine();
  const image = await chooseImage(engine, log);
  const name = `order-timeout-${randomBytes(6).toString('hex')}`;
  const watchdog = await watchOver(name, engine, image);
  const password = () => randomBytes(16).toString('hex');
  try {
    const mysql = await newContainer(engine, image);
    const container = await mysql
      .withName(name)
      .withRootPassword(password())
      .withUserPassword(password())
      .withCommand(serverArguments(settings))
      .start();
    const url = rootUrl(container);
    const { version } = await identify(url);
    let stopped: Promise<void> | undefined;
    return {
      source: 'container',
      description: `MySQL ${version}, a container of ${image.name}`,
      url,
      stop: () => (stopped ??= container.stop({ timeout: 0 }).then(() => watchdog?.end())),
    };
  } catch (error) {
    await watchdog?.end();
    throw error;
  }
}

/** No container can be had, and that is nothing to talk about. */
export class NoEngine extends Error {}

const ANSWERS_WITHIN_MS = 5_000;

/** The Docker engine that testcontainers finds. Throws NoEngine when none answers in a few seconds. */
export async function findEngine(): Promise<ContainerRuntimeClient> {
  const { getContainerRuntimeClient } = await import('testcontainers').catch(() => {
    throw new NoEngine('the package testcontainers is not installed; npm ci installs it');
  });
  const engine = await Promise.race([
    getContainerRuntimeClient().catch(() => undefined),
    sleep(ANSWERS_WITHIN_MS, undefined, { ref: false }),
  ]);
  if (engine === undefined) throw new NoEngine('no engine answers');
  return engine;
}

/**
 * Sees to it that the container goes when this process is killed. That is what Ryuk does; when its
 * image can't be had, or it is disabled, a watchdog does it.
 */
async function watchOver(
  name: string,
  engine: ContainerRuntimeClient,
  image: Image,
): Promise<Watchdog | undefined> {
  const { getReaper } = await import('testcontainers');
  const disabled = 'TESTCONTAINERS_RYUK_DISABLED';
  if (image.built) process.env[disabled] = 'true';
  if (process.env[disabled] !== 'true') {
    try {
      await getReaper(engine);
      return undefined;
    } catch {
      process.env[disabled] = 'true';
    }
  }
  return startWatchdog({ lastly: ['docker', 'rm', '--force', '--volumes', name] });
}

/** A container whose port only this machine reaches, when it runs on this machine. */
async function newContainer(engine: ContainerRuntimeClient, image: Image): Promise<MySqlContainer> {
  const mysql = await import('@testcontainers/mysql');
  class LoopbackContainer extends mysql.MySqlContainer {
    protected override beforeContainerCreated(): Promise<void> {
      this.hostConfig.PortBindings = { '3306/tcp': [{ HostIp: '127.0.0.1', HostPort: '0' }] };
      return Promise.resolve();
    }
  }
  const isLocal = engine.info.containerRuntime.host === 'localhost';
  return isLocal ? new LoopbackContainer(image.name) : new mysql.MySqlContainer(image.name);
}

function rootUrl(container: StartedMySqlContainer): string {
  const host = container.getHost() === 'localhost' ? '127.0.0.1' : container.getHost();
  return `mysql://root:${container.getRootPassword()}@${host}:${container.getPort()}`;
}

/** The current LTS, as Docker's official image names it. */
const DEFAULT_IMAGE = 'mysql:lts';

interface Image {
  readonly name: string;
  /** Built here, because no registry could be reached. */
  readonly built: boolean;
}

/**
 * The image to run: the one that MYSQL_IMAGE names, else the official one, else one of the same
 * interface built from Debian's packages. What the engine has already comes before what it must pull.
 */
async function chooseImage(engine: ContainerRuntimeClient, log: Log): Promise<Image> {
  const { ImageName } = await import('testcontainers');
  const isHere = (name: string) => engine.image.exists(ImageName.fromString(name));
  const pull = async (name: string) => {
    await engine.image.pull(ImageName.fromString(name)).catch(() => undefined);
    return isHere(name);
  };
  const wanted = process.env.MYSQL_IMAGE ?? '';
  if (wanted !== '') {
    if ((await isHere(wanted)) || (await pull(wanted))) return { name: wanted, built: false };
    throw new Error(`the image ${wanted}, which MYSQL_IMAGE names, can't be had`);
  }
  if (await isHere(DEFAULT_IMAGE)) return { name: DEFAULT_IMAGE, built: false };
  // Other files of ours are another image.
  const files = await ownFiles();
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\n`).update(await readFile(join(ROOTFS, file)));
  const tag = hash.digest('hex').slice(0, 12);
  const built = { name: `${REPOSITORY}:${tag}`, built: true };
  if (await isHere(built.name)) return built;
  log(`Pulling the image ${DEFAULT_IMAGE}, once …`);
  if (await pull(DEFAULT_IMAGE)) return { name: DEFAULT_IMAGE, built: false };
  return oneAtATime('image', async () => {
    if (await isHere(built.name)) return built;
    const prefix = unpackedPackages() ?? (await unpackPackages(log));
    log("Building an image from Debian's packages, once …");
    await importImage(engine, tag, prefix, files);
    return built;
  });
}

/** What a built image has besides Debian's packages: accounts, and the entrypoint. */
const ROOTFS = join(__dirname, 'rootfs');
const ENTRYPOINT = '/usr/local/bin/docker-entrypoint.sh';
const REPOSITORY = 'order-timeout-mysql-from-debian';

/** The files alone: Docker refuses an archive that names a folder twice. */
async function ownFiles(): Promise<string[]> {
  return (await readdir(ROOTFS, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(ROOTFS, join(entry.parentPath, entry.name)))
    .sort();
}

/** An image with the interface of the official one. */
async function importImage(
  engine: ContainerRuntimeClient,
  tag: string,
  prefix: string,
  files: readonly string[],
): Promise<void> {
  const owner = ['--owner=0', '--group=0', '--numeric-owner'];
  const tar = spawn('tar', ['--create', ...owner, '-C', prefix, '.', '-C', ROOTFS, ...files], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const changes = [
    `ENTRYPOINT ["${ENTRYPOINT}"]`,
    'ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin',
    'VOLUME /var/lib/mysql',
    'EXPOSE 3306',
  ];
  const to = { repo: REPOSITORY, tag, changes };
  const progress = await engine.container.dockerode.importImage(tar.stdout, to);
  progress.resume();
  await once(progress, 'end');
}
