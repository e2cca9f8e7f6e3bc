import { expect, test } from 'vitest';
import { type BuiltOrder, changesOf, pendingOrder, shopOfFile } from '../support';
import { cancelExpiredOrder, cancelOrder, type Database, reopen, rowOf, sweep } from './calls';
import { cancelled } from './cancelled';
import { holding } from './obstacles';

const shop = shopOfFile();

const PATHS = [
  { path: 'cancel_expired_order()', cause: 'timeout', cancel: cancelExpiredOrder },
  { path: 'cancel_expired_orders()', cause: 'timeout', cancel: (db: Database) => sweep(db) },
  {
    path: 'cancel_order()',
    cause: 'user',
    cancel: (db: Database, order: BuiltOrder) => cancelOrder(db, order, order.userId),
  },
  {
    path: 'cancel_order_as_admin()',
    cause: 'admin',
    cancel: (db: Database, order: BuiltOrder) => cancelOrder(db, order),
  },
] as const;

test.for(PATHS)('after $path no path gives anything again', async ({ cancel }) => {
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });

  const first = await changesOf(shop, () => cancel(shop.db, order));
  const again = await changesOf(shop, async () => {
    for (const other of PATHS) await other.cancel(shop.db, order);
  });

  expect(first.user_coupon_ledger).toHaveLength(1);
  expect(first.user_points_ledger).toHaveLength(1);
  expect(again).toEqual({});
});

test.for(PATHS)(
  'nor does $path for an order that was set back to pending, though the ledgers have lost what came back; a person is told',
  async ({ cause, cancel }) => {
    const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
    await cancelOrder(shop.db, order);
    await reopen(shop);
    await shop.run("DELETE FROM user_coupon_ledger WHERE action = 'cancel_refund'");
    await shop.run("DELETE FROM user_points_ledger WHERE action = 'cancel_refund'");

    const changed = await changesOf(shop, () => cancel(shop.db, order));

    const findings = [
      { what: 'second_take', amount: 1000, other: 1000 },
      { what: 'short', amount: 1000, other: 2000 },
      { kind: 'points', what: 'second_take', amount: 50, other: 50 },
      { kind: 'points', what: 'short', amount: 50, other: 100 },
    ] as const;
    expect(changed).toEqual(cancelled({ order, cause, findings }));
  },
);

test('a repeated call waits for nobody who holds the journal, and tells all that the first one did', async () => {
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const { outcome, ...first } = await cancelExpiredOrder(shop.db, order);
  for (const table of ['order_timeout_refund', 'order_timeout_cancellation'])
    await holding(shop, 'SELECT * FROM ?? WHERE order_id = ? FOR UPDATE', [table, order.orderId]);
  const caller = await shop.connect();
  await caller.query('SET SESSION innodb_lock_wait_timeout = 1');

  expect(outcome).toBe('cancelled');
  expect(first).toMatchObject({ coupon_refunded: 1000, points_refunded: 50 });
  for (const { cancel } of PATHS.filter(({ path }) => path !== 'cancel_expired_orders()'))
    expect(await cancel(caller, order)).toEqual({ ...first, outcome: 'not_pending' });
});

test('the journal has a row for each time that an order was cancelled', async () => {
  const order = await pendingOrder(shop, { coupon: 1000 });
  for (const { cancel } of PATHS) {
    await cancel(shop.db, order);
    await reopen(shop);
  }

  const causes = await shop.run(
    'SELECT cause, coupon_refunded FROM order_timeout_cancelled ORDER BY batch_id',
  );
  expect(causes).toEqual(
    PATHS.map(({ cause }, nth) => ({ cause, coupon_refunded: nth === 0 ? 1000 : 0 })),
  );
});

test('the journal says who, what, why, when and how much, in which run', async () => {
  const swept = await pendingOrder(shop, { coupon: 1000, points: 5, sourceType: 4 });
  await sweep(shop.db);
  const mine = await pendingOrder(shop, { coupon: 300, points: 7, sourceType: 2 });
  await cancelOrder(shop.db, mine, mine.userId, 'ordered twice');
  const { run } = await rowOf(shop, 'SELECT MAX(id) AS run FROM order_timeout_run');

  const rows = await shop.run(
    `SELECT cancellation.order_id, cancellation.user_id, cancellation.source_type, cancellation.cause,
            batch.cause AS batch_cause, batch.remark, cancellation.run_id, batch.run_id AS batch_run,
            batch.called_by LIKE 'root@%' AS is_caller,
            cancellation.coupon_refunded, cancellation.points_refunded,
            cancellation.cancelled_at = orders.cancelled_at AND batch.created_at = orders.cancelled_at
              AND (SELECT MIN(refunded_at) = orders.cancelled_at AND MAX(refunded_at) = orders.cancelled_at
                     FROM order_timeout_refund WHERE order_id = orders.id)
              AND (SELECT MAX(created_at) = orders.cancelled_at
                     FROM user_coupon_ledger AS ledger WHERE ledger.order_id = orders.id AND change_amount > 0)
              AND (SELECT MAX(created_at) = orders.cancelled_at
                     FROM user_points_ledger AS ledger WHERE ledger.ref_id = orders.id AND points > 0) AS is_one_time
       FROM order_timeout_cancelled AS cancellation
       JOIN order_timeout_batch AS batch ON batch.id = cancellation.batch_id
       JOIN orders ON orders.id = cancellation.order_id
      ORDER BY cancellation.order_id`,
  );

  const entry = (
    { orderId, userId }: BuiltOrder,
    [source_type, cause, remark, run_id, coupon_refunded, points_refunded]: unknown[],
  ) => ({
    ...{ order_id: orderId, user_id: userId, source_type, cause, batch_cause: cause, remark },
    ...{ run_id, batch_run: run_id, coupon_refunded, points_refunded },
    ...{ is_caller: 1, is_one_time: 1 },
  });
  expect(rows).toEqual([
    entry(swept, [4, 'timeout', 'order_timeout', run, 1000, 5]),
    entry(mine, [2, 'user', 'ordered twice', null, 300, 7]),
  ]);
});
