import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';

/** What somebody who works at a steady pace met. */
export interface Experience {
  /** In milliseconds, of those that succeeded. */
  readonly times: number[];
  /** Error numbers, and "refused" for what was done and had no effect. */
  readonly failures: string[];
}

/**
 * Does the work at a steady pace until told to stop. Each turn's time counts from its own start; one that comes
 * late, because the one before took long, starts at once.
 */
export async function workAtPace<Item>(
  db: Connection,
  paceMs: number,
  items: readonly Item[],
  work: (db: Connection, item: Item) => Promise<boolean>,
  isOver: () => boolean,
): Promise<Experience> {
  const experience: Experience = { times: [], failures: [] };
  let dueAt = performance.now();
  for (const item of items) {
    if (isOver()) return experience;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const startedAt = performance.now();
    try {
      if (await work(db, item)) experience.times.push(performance.now() - startedAt);
      else experience.failures.push('refused');
    } catch (error) {
      experience.failures.push(String((error as { errno?: number }).errno ?? error));
      await db.query('ROLLBACK');
    }
    dueAt = Math.max(dueAt + paceMs, performance.now());
  }
  throw new Error('The drain took so long that the customers ran out of orders: load more of them');
}
