import { expect, test } from 'vitest';
import { pendingOrder, type Shop, shopOfFile } from '../support';
import { configure, rowOf, sweep } from './calls';
import { holding } from './obstacles';

const shop = shopOfFile();

/** Lets days go by for what is in the journal. */
async function age(shop: Shop, days: number): Promise<void> {
  await shop.run('UPDATE order_timeout_run SET started_at = started_at - INTERVAL ? DAY', [days]);
  await shop.run('UPDATE order_timeout_batch SET created_at = created_at - INTERVAL ? DAY', [days]);
  // The hour since the last purge is over too.
  await shop.run('UPDATE order_timeout_heartbeat SET purged_at = NULL');
}

/** Orders that were cancelled each in a run of its own. */
async function cancelledBefore(shop: Shop, orders: number, days: number): Promise<void> {
  for (let n = 0; n < orders; n++) {
    await pendingOrder(shop, { coupon: 1000, points: 5 });
    await sweep(shop.db);
  }
  await age(shop, days);
}

const counts = (shop: Shop) =>
  rowOf(
    shop,
    `SELECT (SELECT COUNT(*) FROM order_timeout_run) AS runs,
            (SELECT COUNT(*) FROM order_timeout_batch) AS batches,
            (SELECT COUNT(*) FROM order_timeout_cancellation) AS cancellations,
            (SELECT COUNT(*) FROM order_timeout_refund) AS refunds`,
  );

/** Numbers from 1 on, as a table n of i. */
const upTo = (most: number) =>
  `WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < ${most})`;

test('old runs and cancellations go with a sweep, and the refunds stay', async () => {
  await cancelledBefore(shop, 1, 91);

  await sweep(shop.db);

  expect(await counts(shop)).toEqual({ runs: 0, batches: 0, cancellations: 0, refunds: 2 });

  // Set back to pending by an admin: the keys that are left make a second refund impossible.
  await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');
  expect(await sweep(shop.db)).toMatchObject({ cancelled: 1, coupon_refunded: 0 });
  expect(await counts(shop)).toMatchObject({ cancellations: 1, refunds: 2 });
  expect(await shop.column('SELECT balance_amount FROM user_coupons')).toEqual([1000]);
});

test('what is younger than the setting stays', async () => {
  await configure(shop, { retention_days: 10 });
  await cancelledBefore(shop, 1, 9);

  await sweep(shop.db);
  expect(await counts(shop)).toMatchObject({ runs: 1, batches: 1, cancellations: 1 });

  await age(shop, 2);
  await sweep(shop.db);
  expect(await counts(shop)).toMatchObject({ runs: 0, batches: 0, cancellations: 0 });
});

test('a sweep purges no more than 1000 batches, runs and holds, oldest first, and the next one goes on', async () => {
  await shop.run('SET SESSION cte_max_recursion_depth = 20000');
  await shop.run(
    `INSERT INTO order_timeout_batch (id, cause, called_by, created_at)
     ${upTo(2250)} SELECT i, 'user', 'test', NOW(3) - INTERVAL 100 DAY FROM n`,
  );
  await shop.run(
    `INSERT INTO order_timeout_run (started_at, finished_at, outcome)
     ${upTo(1050)} SELECT NOW(3) - INTERVAL 100 DAY, NOW(3) - INTERVAL 100 DAY, 'completed' FROM n`,
  );
  // The last two ended not so long ago.
  await shop.run(
    `INSERT INTO order_timeout_hold (order_id, held_until, held_by, held_at)
     ${upTo(1052)} SELECT i, NOW(3) - INTERVAL IF(i > 1050, 89, 91) DAY, 'test', NOW(3) - INTERVAL 100 DAY FROM n`,
  );
  const left = async () => {
    await shop.run('UPDATE order_timeout_heartbeat SET purged_at = NULL');
    await sweep(shop.db);
    const sql =
      'SELECT (SELECT MIN(id) FROM order_timeout_batch) AS first, COUNT(*) AS holds FROM order_timeout_hold';
    const { runs, batches } = await counts(shop);
    return { runs, batches, ...(await rowOf(shop, sql)) };
  };

  expect(await left()).toEqual({ runs: 50, batches: 1250, first: 1001, holds: 52 });
  expect(await left()).toEqual({ runs: 0, batches: 250, first: 2001, holds: 2 });
  expect(await left()).toEqual({ runs: 0, batches: 0, first: null, holds: 2 });
});

test('a sweep purges no more than 10000 cancellations', async () => {
  await shop.run(
    `INSERT INTO order_timeout_batch (id, cause, called_by, created_at)
     VALUES (1, 'timeout', 'test', NOW(3) - INTERVAL 100 DAY),
            (2, 'timeout', 'test', NOW(3) - INTERVAL 100 DAY)`,
  );
  await shop.run('SET SESSION cte_max_recursion_depth = 20000');
  await shop.run(
    `INSERT INTO order_timeout_cancellation (batch_id, order_id, user_id, cause, cancelled_at)
     ${upTo(10_000)} SELECT 1, i, 1, 'timeout', NOW(3) - INTERVAL 100 DAY FROM n
      UNION ALL SELECT 2, 1, 1, 'timeout', NOW(3) - INTERVAL 100 DAY`,
  );

  await sweep(shop.db);
  expect(await counts(shop)).toMatchObject({ batches: 1, cancellations: 1 });
  await sweep(shop.db);
  expect(await counts(shop)).toMatchObject({ batches: 0, cancellations: 0 });
});

test('what is still owed keeps its cancellations, by which its orders are known', async () => {
  await cancelledBefore(shop, 2, 91);
  await shop.run(
    `INSERT INTO order_timeout_owed (kind, account_id, batch_id, order_id, amount, owed_at)
     SELECT 'stock', 5, MIN(id), 1, 3, NOW(3) FROM order_timeout_batch`,
  );

  await sweep(shop.db);

  expect(await counts(shop)).toMatchObject({ batches: 1, cancellations: 1 });
});

test('what somebody holds locked is cleared away another time; the sweep does the rest of its work', async () => {
  await cancelledBefore(shop, 2, 91);
  const { orderId } = await pendingOrder(shop, { coupon: 300 });
  const holder = await holding(
    shop,
    'SELECT * FROM order_timeout_run ORDER BY id LIMIT 1 FOR UPDATE',
  );

  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 1 });
  expect(await counts(shop)).toMatchObject({ runs: 3, batches: 3, cancellations: 3 });
  await holder.query('ROLLBACK');

  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 0 });
  expect(await counts(shop)).toMatchObject({ runs: 1, batches: 1, cancellations: 1 });
  expect(await shop.column('SELECT order_id FROM order_timeout_cancellation')).toEqual([orderId]);
});
