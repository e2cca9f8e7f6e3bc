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

/** Resolves when this is so. A test's own time limit ends the wait. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(5);
}
