import { identify } from './connect';
import type { MysqlServer } from './types';

/** The server that MYSQL_URL names. It is somebody's: it is neither configured nor stopped. */
export async function givenServer(mysqlUrl: string): Promise<MysqlServer> {
  const url = parse(mysqlUrl);
  const { version, isMariadb } = await identify(url.href).catch((error: unknown) => {
    throw new Error(
      `No connection to ${url.host}, which MYSQL_URL names: ${(error as Error).message}`,
    );
  });
  if (isMariadb) {
    throw new Error(`MYSQL_URL must name a MySQL; ${url.host} is MariaDB ${version}.`);
  }
  return {
    source: 'given',
    description: `MySQL ${version} at ${url.host}, given by MYSQL_URL`,
    url: url.href,
    stop: () => Promise.resolve(),
  };
}

function parse(mysqlUrl: string): URL {
  const url = URL.canParse(mysqlUrl) ? new URL(mysqlUrl) : undefined;
  if (url?.protocol !== 'mysql:' || url.hostname === '') {
    throw new Error('MYSQL_URL must look like mysql://user:password@host:3306.');
  }
  url.pathname = '';
  return url;
}
