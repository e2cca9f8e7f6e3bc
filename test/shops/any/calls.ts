import { setTimeout as sleep } from 'node:timers/promises';
import type { RowDataPacket } from 'mysql2';
import { errnoOf, isKilled } from '../../../scripts/dev/soak/errors';
import type { Shop } from '../../support';
import { type Data, orderId } from './rules';

/** What met another call: a deadlock, or both opened the same row. What was killed is called again, too. */
const CONFLICTS = [1213, 1062];

/** All that is asked for, each call twice, five at a time, and some of them killed: then they are called again. */
export async function callAll(shop: Shop, { orders }: Data): Promise<void> {
  const calls = orders.flatMap(({ by, buyer }, nth): [string, unknown[]][] => {
    const id = orderId(nth);
    if (by === 'timeout') return [['CALL cancel_expired_order(?)', [id]]];
    if (by === 'user') return [['CALL cancel_order(?, ?, ?)', [id, buyer, 'not any more']]];
    if (by === 'admin') return [['CALL cancel_order_as_admin(?, NULL)', [id]]];
    return [];
  });
  const stop = new AbortController();
  const killer = killNowAndThen(shop, stop.signal);
  try {
    await Promise.all(
      [...calls, ...calls].map(([sql, values]) => untilAnswered(() => shop.db.query(sql, values))),
    );
  } finally {
    stop.abort();
    await killer;
  }
}

async function untilAnswered(call: () => Promise<unknown>): Promise<void> {
  for (;;)
    try {
      await call();
      return;
    } catch (error) {
      if (!isKilled(error) && !CONFLICTS.includes(errnoOf(error))) throw error;
    }
}

async function killNowAndThen(shop: Shop, stop: AbortSignal): Promise<void> {
  const db = await shop.connect();
  while (!stop.aborted) {
    await sleep(Math.random() * 12);
    const [[victim]] = await db.query<RowDataPacket[]>(
      `SELECT id FROM performance_schema.processlist
        WHERE db = ? AND command = 'Query' AND id <> CONNECTION_ID() ORDER BY RAND() LIMIT 1`,
      [shop.name],
    );
    if (victim !== undefined) await db.query('KILL QUERY ?', [victim.id]);
  }
}
