import { setTimeout as sleep } from 'node:timers/promises';
import type { Shop } from './shop';

/** Resolves when a session waits for a row lock in this shop. */
export async function lockWait(shop: Shop): Promise<void> {
  await until(async () => {
    const waiting = await shop.run(
      "SELECT 1 FROM performance_schema.data_locks WHERE object_schema = ? AND lock_status = 'WAITING'",
      [shop.name],
    );
    return waiting.length > 0;
  });
}

/** Resolves when this is so. A test's own time limit ends the wait. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(5);
}
