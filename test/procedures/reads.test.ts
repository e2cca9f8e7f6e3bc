import type { Connection } from 'mysql2/promise';
import { beforeAll, expect, test } from 'vitest';
import { loadExampleShop } from '../../scripts/dev/shop';
import { createShop, type Shop } from '../support';
import { readsOf } from './calls';

/** The same orders are due in both; the large one has forty times as many that are not. */
const MIX = {
  small: { orders: 2_500, mix: { paid: 20, cancelled: 10, due: 40, young: 20, excluded: 10 } },
  large: { orders: 100_000, mix: { paid: 59, cancelled: 30, due: 1, young: 5, excluded: 5 } },
};

interface Measured {
  readonly shop: Shop;
  readonly db: Connection;
  /** A due order with a coupon, and its user. */
  readonly orderIds: number[];
}

let small: Measured;
let large: Measured;

beforeAll(async () => {
  small = await measured(MIX.small);
  large = await measured(MIX.large);
});

async function measured({ orders, mix }: (typeof MIX)['small']): Promise<Measured> {
  const shop = await createShop();
  const db = await shop.connect();
  await loadExampleShop(db, { orders, mix, incidents: 'none' });
  const tables = await shop.run<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
  );
  for (const { name } of tables) await shop.run(`ANALYZE TABLE ${name}`);
  const due = await shop.run<{ id: number }>(
    `SELECT id FROM orders WHERE status = 1 AND source_type = 1 AND coupon_id > 0
        AND created_at < UTC_TIMESTAMP() - INTERVAL 1 HOUR ORDER BY id LIMIT 50`,
  );
  return { shop, db, orderIds: due.map(({ id }) => id) };
}

test.for<[call: string, most: number, isFlat: boolean]>([
  ['cancel_expired_order(ID)', 200, true],
  ["cancel_order_as_admin(ID, 'x')", 200, true],
  ["hold_order(ID, 1, 'x')", 30, true],
  ['order_money(ID)', 250, true],
  ['explain_order_timeout(ID)', 500, true],
  ['repair_missing_refund(ID)', 200, true],
  // Of each type the pending orders; what is due and at work.
  ['preview_expired_orders(5)', 8_000, false],
  ['order_timeout_health()', 12_000, false],
  ['order_timeout_numbers()', 12_000, false],
  ['list_findings(10)', 60, false],
  ['list_late_payments(10)', 60, false],
])('%s reads at most %i rows, however large the shop is', async ([call, most, isFlat]) => {
  const reads = ({ orderIds, ...measured }: Measured) =>
    readsOf(measured.db, `CALL ${call.replace('ID', String(orderIds.pop()))}`);
  const [inSmall, inLarge] = [await reads(small), await reads(large)];

  expect(inLarge).toBeLessThan(most);
  // Orders differ in their coupons, so not to the row.
  if (isFlat) expect(inLarge).toBeLessThan(inSmall * 2 + 50);
});

test('a sweep reads as many rows for each order in a large shop as in a small one, and some dozen when it finds nothing', async () => {
  const perOrder = async (measured: Measured) => {
    await measured.shop.run(
      'UPDATE order_timeout_heartbeat SET reconciled_order_id = 99999999999, reconciled_again_order_id = 99999999999',
    );
    const reads = await readsOf(measured.db, 'CALL cancel_expired_orders()');
    const sql = 'SELECT cancelled FROM order_timeout_run ORDER BY id DESC LIMIT 1';
    const [run = { cancelled: 0 }] = await measured.shop.run<{ cancelled: number }>(sql);
    expect(run.cancelled).toBeGreaterThan(500);
    return reads / run.cancelled;
  };
  const inSmall = await perOrder(small);
  const inLarge = await perOrder(large);

  expect(inLarge).toBeLessThan(inSmall * 1.25);
  expect(inLarge).toBeLessThan(90);
  // Where the other tests' tables have pushed ours out of the server's cache, opening them reads rows of the dictionary.
  const idle: number[] = [];
  while (idle.length < 3) idle.push(await readsOf(large.db, 'CALL cancel_expired_orders()'));
  expect(Math.min(...idle)).toBeLessThan(60);
});

test('the feed reads the batches of its page', async () => {
  await large.db.query('CALL read_cancellations(0, 0, 1)');
  expect(await readsOf(large.db, 'CALL read_cancellations(0, 0, 10)')).toBeLessThan(5_000);
});

test('with the statistics of a young table a run looks at orders by their indexes all the same', async () => {
  const run = (sql: string) => small.shop.run(sql);
  await run('UPDATE orders SET status = 1, cancelled_at = NULL WHERE status = 3 LIMIT 50');
  // As after a restart of a server with innodb_stats_auto_recalc = OFF.
  await run('ALTER TABLE order_timeout_cancellation STATS_PERSISTENT = 1, STATS_AUTO_RECALC = 0');
  for (const [table, set] of [
    ['table', 'n_rows = 0, clustered_index_size = 1'],
    ['index', "stat_value = IF(stat_name LIKE 'n_diff%', 0, 1)"],
  ])
    await run(
      `UPDATE mysql.innodb_${table}_stats SET ${set}
        WHERE database_name = DATABASE() AND table_name = 'order_timeout_cancellation'`,
    );
  await run('FLUSH TABLES order_timeout_cancellation');

  expect(await readsOf(small.db, 'CALL cancel_expired_orders()')).toBeLessThan(30_000);
});

/** Four to the power of `digits` rows (id, at), so many days old. */
function manyRows(digits: number, days: number): string {
  const digit = '(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3)';
  const all = Array.from({ length: digits }, (_, nth) => `${digit} AS d${nth}`).join(', ');
  return `(SELECT ROW_NUMBER() OVER () + 5000000 AS id, UTC_TIMESTAMP() - INTERVAL ${days} DAY AS at FROM ${all}) AS many`;
}

test('to clear large batches away, a run reads them as far as it clears', async () => {
  const many = manyRows(8, 100);
  await small.shop.run(
    `INSERT INTO order_timeout_cancellation (batch_id, order_id, user_id, cause, cancelled_at)
     SELECT id DIV 500, id, 1, 'timeout', at FROM ${many}`,
  );
  await small.shop.run(
    `INSERT INTO order_timeout_batch (id, cause, called_by, created_at) SELECT DISTINCT id DIV 500, 'timeout', '', at FROM ${many}`,
  );
  const counted = async () => {
    const sql =
      "SELECT COUNT(*) AS n FROM order_timeout_cancellation WHERE user_id = 1 AND cause = 'timeout'";
    const [row = { n: 0 }] = await small.shop.run<{ n: number }>(sql);
    return row.n;
  };
  const before = await counted();
  await small.shop.run('UPDATE order_timeout_heartbeat SET purged_at = NULL');
  const reads = await readsOf(small.db, 'CALL cancel_expired_orders()');

  expect(before - (await counted())).toBeGreaterThan(9_000);
  expect(reads).toBeLessThan(85_000);
});

test('what a minute and a monitor read is the same however long the history is', async () => {
  const NOW = 'UTC_TIMESTAMP()';
  await large.shop.run(
    `INSERT INTO order_timeout_finding (order_id, what, opened_at) SELECT MIN(id), 'paid_elsewhere', ${NOW} FROM orders`,
  );
  const calls = ['cancel_expired_orders()', 'order_timeout_health()', 'order_timeout_numbers()'];
  const readAll = async () => {
    const least = [Infinity, Infinity, Infinity];
    for (let round = 0; round < 3; round += 1)
      for (const [nth, call] of calls.entries())
        least[nth] = Math.min(least[nth] ?? 0, await readsOf(large.db, `CALL ${call}`));
    return least;
  };
  const before = await readAll();

  const many = manyRows(7, 80);
  for (const [table, columns, values] of [
    ['run', 'started_at, finished_at, outcome', "at, at, 'failed'"],
    ['batch', 'id, cause, called_by, created_at, position', "id, 'user', 'app@%', at, id"],
    ['cancellation', 'batch_id, order_id, user_id, cause, cancelled_at', "id, id, 1, 'user', at"],
    [
      'refund',
      'order_id, kind, target_id, batch_id, user_id, account_id, amount, taken, source, cause, refunded_at',
      "id, 'points', 0, id, 1, 1, 1, 1, 'orders', 'user', at",
    ],
    ['hold', 'order_id, held_until, held_by, held_at', "id, at, 'app@%', at"],
    [
      'payment',
      'reference, order_id, outcome, received_by, received_at, settled_at',
      "id, id, 'too_late', 'app@%', at, at",
    ],
    [
      'finding',
      'order_id, kind, what, opened_at, closed_at, settled_at',
      "id, 'points', 'not_given', at, IF(id % 2, at, NULL), IF(id % 2, NULL, at)",
    ],
  ])
    await large.shop.run(
      `INSERT INTO order_timeout_${table} (${columns}) SELECT ${values} FROM ${many}`,
    );

  for (const [nth, reads] of (await readAll()).entries())
    expect(reads, calls[nth]).toBeLessThan((before[nth] ?? 0) + 200);
});
