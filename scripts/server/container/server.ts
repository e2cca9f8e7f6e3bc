import { randomBytes } from 'node:crypto';
import type { MySqlContainer, StartedMySqlContainer } from '@testcontainers/mysql';
import type { ContainerRuntimeClient } from 'testcontainers';
import { identify } from '../connect';
import { serverArguments, type Settings } from '../settings';
import type { Log, MysqlServer } from '../types';
import { startWatchdog, type Watchdog } from '../watchdog';
import { findEngine } from './engine';
import { chooseImage, type Image } from './image';

/** The second way to a server: a container. Throws NoEngine when no Docker engine answers. */
export async function containerServer(log: Log, settings: Settings): Promise<MysqlServer> {
  const engine = await findEngine();
  const image = await chooseImage(engine, log);
  const name = `order-timeout-${randomBytes(6).toString('hex')}`;
  const watchdog = await watchOver(name, engine, image);
  try {
    const mysql = await newContainer(engine, image);
    const container = await mysql
      .withName(name)
      .withRootPassword(randomPassword())
      .withUserPassword(randomPassword())
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

function randomPassword(): string {
  return randomBytes(16).toString('hex');
}
