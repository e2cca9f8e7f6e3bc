import { identify, type MysqlServer, type Source } from './connect';
import { containerServer, NoEngine } from './container';
import type { Log } from './files';
import { privateServer } from './private';
import { OLDEST_VERSION } from './programs';
import type { Settings } from './settings';

export type { MysqlServer } from './connect';
export type { Command, Log } from './files';
export { freePort, type PrivateMysqld, startPrivateMysqld } from './private';
export { mysqlClientCommand } from './programs';
export type { Settings } from './settings';

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

/** The server that MYSQL_URL names. It is somebody's: it is neither configured nor stopped. */
async function givenServer(mysqlUrl: string): Promise<MysqlServer> {
  const url = URL.canParse(mysqlUrl) ? new URL(mysqlUrl) : undefined;
  if (url?.protocol !== 'mysql:' || url.hostname === '')
    throw new Error('MYSQL_URL must look like mysql://user:password@host:3306.');
  url.pathname = '';
  const { version, isMariadb } = await identify(url.href).catch((error: unknown) => {
    throw new Error(
      `No connection to ${url.host}, which MYSQL_URL names: ${(error as Error).message}`,
    );
  });
  if (isMariadb) throw new Error(`MYSQL_URL must name a MySQL; ${url.host} is MariaDB ${version}.`);
  return {
    source: 'given',
    description: `MySQL ${version} at ${url.host}, given by MYSQL_URL`,
    url: url.href,
    stop: () => Promise.resolve(),
  };
}
