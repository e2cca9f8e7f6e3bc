import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tail } from './logs';
import type { WatchedProcess } from './watchdog';

/** Runs mysqld on the data directory with these further arguments. */
export type RunMysqld = (...args: string[]) => Promise<WatchedProcess>;

/** In the data directory: whoever can read it there can read the data anyway. */
const PASSWORD_FILE = 'order-timeout-root-password';

/** Root's password in a data directory that was made here; undefined when it has yet to be made. */
export async function rootPassword(dataDir: string): Promise<string | undefined> {
  const path = join(dataDir, PASSWORD_FILE);
  return existsSync(path) ? readFile(path, 'utf8') : undefined;
}

/** Makes a data directory whose root has a random password, and returns that. The log of `run` is in `scratch`. */
export async function makeDataDirectory(
  dataDir: string,
  scratch: string,
  run: RunMysqld,
): Promise<string> {
  const password = randomBytes(16).toString('hex');
  const accounts = join(scratch, 'accounts.sql');
  // Run while the data directory is made: nothing of it gets into the binary log.
  await writeFile(
    accounts,
    `ALTER USER 'root'@'localhost' IDENTIFIED BY '${password}';
CREATE USER 'root'@'%' IDENTIFIED BY '${password}';
GRANT ALL ON *.* TO 'root'@'%' WITH GRANT OPTION;
`,
    { mode: 0o600 },
  );
  const { ended } = await run('--initialize-insecure', `--init-file=${accounts}`);
  const { code } = await ended;
  await rm(accounts);
  if (code !== 0) {
    const lines = await tail(join(scratch, 'error.log'), 10);
    throw new Error(`mysqld could not make the data directory ${dataDir}.\n${lines}`);
  }
  await writeFile(join(dataDir, PASSWORD_FILE), password, { mode: 0o600 });
  return password;
}
