import type { Connection } from 'mysql2/promise';
import { select, selectColumn } from './connection';
import { DeploymentLocked, ifAllowed } from './errors';
import { checksum } from './text';

const hash = (schema: string) => checksum(schema).slice(0, 40);

/** Held by a deployment, so that there is one at a time. At most 64 characters. */
export const deploymentLock = (schema: string) => `order_timeout_deploy:${hash(schema)}`;

/** Held by a sweep, see order_timeout_run_sweep. Who holds it keeps the sweep away. */
export const sweepLock = (schema: string) => `order_timeout:${hash(schema)}`;

/** Works while nobody else deploys to the connection's database. Throws DeploymentLocked. */
export async function withDeploymentLock<T>(db: Connection, work: () => Promise<T>): Promise<T> {
  const [schema = ''] = await selectColumn(db, 'SELECT DATABASE()');
  const name = deploymentLock(schema);
  const [row] = await select<{ taken: number | null; holder: number | null }>(
    db,
    'SELECT GET_LOCK(?, 0) AS taken, IS_USED_LOCK(?) AS holder',
    [name, name],
  );
  if (row?.taken !== 1) throw new DeploymentLocked(row?.holder ?? null);
  try {
    return await work();
  } finally {
    // With the session its locks go too, but only when the server notices that it has ended.
    await db.query('DO RELEASE_ALL_LOCKS()').catch(() => undefined);
  }
}

/** Somebody's transaction that uses one of our objects or the shop's tables: DDL on it would wait. */
export interface Holder {
  readonly connection: number;
  readonly account: string;
  /** Since its last statement began or ended. */
  readonly seconds: number;
  readonly statement: string | null;
}

/** Whose transactions use this table, view or routine; none that this account may not see. */
export async function holdersOf(db: Connection, object: string): Promise<Holder[]> {
  const holders = await ifAllowed(
    select<Holder>(
      db,
      `SELECT threads.processlist_id AS connection,
              CONCAT(threads.processlist_user, '@', threads.processlist_host) AS account,
              MAX(threads.processlist_time) AS seconds, LEFT(MAX(threads.processlist_info), 80) AS statement
         FROM performance_schema.metadata_locks
         JOIN performance_schema.threads ON threads.thread_id = metadata_locks.owner_thread_id
        WHERE metadata_locks.object_schema = DATABASE() AND metadata_locks.object_name = ?
          AND metadata_locks.object_type IN ('TABLE', 'PROCEDURE', 'FUNCTION', 'EVENT')
          AND metadata_locks.lock_status = 'GRANTED' AND threads.processlist_id <> CONNECTION_ID()
        GROUP BY threads.processlist_id, account
        ORDER BY seconds DESC`,
      [object],
    ),
  );
  return holders ?? [];
}

/** "connection 7 (root@localhost, idle in a transaction for 300 s)": whom to ask, or to KILL. */
export function sayHolders(holders: readonly Holder[]): string {
  return holders
    .map(({ connection, account, seconds, statement }) => {
      const doing = statement === null ? 'idle in a transaction' : `at "${statement}"`;
      return `connection ${connection} (${account}, ${doing} for ${seconds} s)`;
    })
    .join(', ');
}
