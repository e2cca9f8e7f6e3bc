/** The oldest MySQL that a server is started from here. */
export const OLDEST_VERSION = '8.4';

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
