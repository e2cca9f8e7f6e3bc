import { NoEngine } from './container/engine';
import { containerServer } from './container/server';
import { givenServer } from './given';
import { privateServer } from './private';
import type { Settings } from './settings';
import type { Log, MysqlServer, Source } from './types';
import { OLDEST_VERSION } from './version';

export { mysqlClientCommand } from './programs';
export { type PrivateMysqld, type PrivateMysqldOptions, startPrivateMysqld } from './private';
export { freePort } from './ports';
export type { Command } from './commands';
export type { Settings } from './settings';
export type { Log, MysqlServer, Source } from './types';

export interface StartServerOptions {
  /** Takes one line that says which server it is, and one before a step that takes long. Default: standard error. */
  readonly log?: Log;
  /** Server options by name, over those that every server here has. A given server has its own. */
  readonly settings?: Settings;
  /** Without it, the first of the sources that there is. */
  readonly only?: Source;
}

/**
 * A MySQL to run on: the one that MYSQL_URL names, else a container when a Docker engine answers,
 * else a private mysqld. Nothing of the latter two is left when this process ends, however it ends.
 * Throws an Error that says for each source why it can't be had, and what to do.
 */
export async function startServer({
  log = (line) => process.stderr.write(`${line}\n`),
  settings = {},
  only,
}: StartServerOptions = {}): Promise<MysqlServer> {
  const server = await firstServer(log, settings, only);
  log(server.description);
  return server;
}

async function firstServer(log: Log, settings: Settings, only?: Source): Promise<MysqlServer> {
  const mysqlUrl = process.env.MYSQL_URL ?? '';
  // Whoever names a server wants that one, and no other in its stead. The same goes for an image.
  if (only === 'given' || (only === undefined && mysqlUrl !== '')) return givenServer(mysqlUrl);
  if (only === 'container') return containerServer(log, settings);
  if (only === 'private') return privateServer(log, settings);

  let container: Error;
  try {
    return await containerServer(log, settings);
  } catch (error) {
    container = error as Error;
    if (!(error instanceof NoEngine)) {
      if ((process.env.MYSQL_IMAGE ?? '') !== '') throw error;
      log(`No container could be had: ${container.message}`);
    }
  }
  return privateServer(log, settings).catch((error: unknown) => {
    throw new Error(
      `There is no MySQL to run on. Set MYSQL_URL to one, or install Docker, or put a mysqld on the PATH: MySQL ${OLDEST_VERSION} or newer, not MariaDB. What was tried:
Docker: ${container.message}
${(error as Error).message}`,
    );
  });
}
