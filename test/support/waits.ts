import { setTimeout as sleep } from 'node:timers/promises';
import type { Shop } from './shop';

/** Resolves with the connection that waits for a row lock in this shop, once there is one (or so many). */
export async function lockWait(shop: Shop, sessions = 1): Promise<unknown[]> {
  let waiting: unknown[] = [];
  await until(async () => {
    waiting = await shop.column(
      `SELECT DISTINCT processlist_id
         FROM performance_schema.data_locks JOIN performance_schema.threads USING (thread_id)
        WHERE object_schema = ? AND lock_status = 'WAITING'`,
      [shop.name],
    );
    return waiting.length >= sessions;
  });
  return waiting;
}

/** Resolves when the server has ended this session: its locks are free and what it had open is undone. */
export async function sessionEnd(shop: Shop, threadId: number): Promise<void> {
  await until(async () => !(await isSession(shop, threadId)));
}

/**
 * Whether the server still has this session. (Never asked of information_schema.processlist: that
 * fails whenever anybody on the server runs a statement with an emoji, ER_IMPOSSIBLE_STRING_CONVERSION.)
 */
export async function isSession(shop: Shop, threadId: number): Promise<boolean> {
  const sessions = await shop.run('SELECT 1 FROM performance_schema.processlist WHERE id = ?', [
    threadId,
  ]);
  return sessions.length > 0;
}

/** Resolves when this is so. A test's own time limit ends the wait. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(5);
}
