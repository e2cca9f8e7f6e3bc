import { setTimeout as sleep } from 'node:timers/promises';
import type { Shop } from './shop';

/** Resolves when a session (or so many) waits for a row lock in this shop. */
export async function lockWait(shop: Shop, sessions = 1): Promise<void> {
  await until(async () => {
    const waiting = await shop.run(
      `SELECT DISTINCT thread_id FROM performance_schema.data_locks
        WHERE object_schema = ? AND lock_status = 'WAITING'`,
      [shop.name],
    );
    return waiting.length >= sessions;
  });
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
