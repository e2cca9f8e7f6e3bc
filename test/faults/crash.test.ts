import type { Connection, RowDataPacket } from 'mysql2/promise';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { takeBaseline } from '../../scripts/dev/invariants';
import { randomFrom } from '../../scripts/dev/soak/random';
import { loadExampleShop } from '../../scripts/dev/shop';
import { configure, sweep, violations } from '../procedures/calls';
import { createShop } from '../support';

/** FAULT_ROUNDS=25 in the CI. FAULT_SEED repeats a run. */
const rounds = Number(process.env.FAULT_ROUNDS ?? 3);
const seed = Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000);
const ORDERS_PER_ROUND = 600;

async function rowsOf(db: Connection, sql: string): Promise<unknown[]> {
  const [rows] = await db.query<RowDataPacket[]>(sql);
  return rows.map((row) => Object.values(row) as unknown[]);
}

/** What is to come back, by the shop's own tables. */
const DUE = `SELECT order_id, 'coupon' AS kind, target_id, due FROM order_timeout_due_coupon WHERE due > 0
              UNION ALL
             SELECT order_id, 'points', target_id, due FROM order_timeout_due_points WHERE due > 0
              ORDER BY 1, 2, 3`;
const GIVEN = 'SELECT order_id, kind, target_id, amount FROM order_timeout_refund ORDER BY 1, 2, 3';

test(
  `SIGKILL of mysqld at random instants of a sweep, ${rounds} times: nothing is lost or doubled (FAULT_SEED=${seed})`,
  { timeout: 60_000 + rounds * 30_000 },
  async () => {
    const random = randomFrom(seed, 'crash');
    // With the durability that MySQL has by default, as on a shop's server.
    const shop = await createShop({ settings: {} });
    let db = await shop.connect();
    const orders = ORDERS_PER_ROUND * rounds;
    await loadExampleShop(db, { orders, seed, mix: { due: 1 }, incidents: 'none' });
    await configure(shop, { batch_size: 20 });
    const baseline = await takeBaseline(db);
    const due = await rowsOf(db, DUE);

    let killed = 0;
    for (let round = 0; round < rounds; round++) {
      const swept = sweep(db).then(
        () => 'ended',
        () => 'cut',
      );
      await sleep(random.between(0, 400));
      await shop.server?.kill('SIGKILL');
      if ((await swept) === 'cut') killed++;
      await shop.server?.restart();
      db = await shop.connect();

      expect(await violations(db, baseline)).toEqual([]);
    }
    expect(killed).toBeGreaterThan(0);

    await db.query('UPDATE order_timeout_setting SET batch_size = 2000');
    expect(await sweep(db)).toMatchObject({ outcome: 'completed', failed: 0 });
    expect(await rowsOf(db, 'SELECT DISTINCT status FROM orders')).toEqual([[3]]);
    expect(await rowsOf(db, GIVEN)).toEqual(due);
    expect(await rowsOf(db, DUE)).toEqual([]);
    expect(await violations(db, baseline)).toEqual([]);
  },
);
