import { expect, test } from 'vitest';
import { type BuiltOrder, changesOf, couponLedgerRow, pendingOrder, type Shop } from '../support';
import { cancelExpiredOrder, cancelOrder, type Database, rowOf, sweep } from './calls';
import { cancelled } from './cancelled';
import { shopOfFile } from './shop-of-file';

const freshShop = shopOfFile();

const PATHS: {
  path: string;
  cause: 'timeout' | 'user' | 'admin';
  cancel: (db: Database, order: BuiltOrder) => Promise<unknown>;
}[] = [
  { path: 'cancel_expired_order()', cause: 'timeout', cancel: cancelExpiredOrder },
  { path: 'cancel_expired_orders()', cause: 'timeout', cancel: sweep },
  {
    path: 'cancel_order() of the user',
    cause: 'user',
    cancel: (db, order) => cancelOrder(db, order, order.userId),
  },
  {
    path: 'cancel_order() of an admin',
    cause: 'admin',
    cancel: (db, order) => cancelOrder(db, order, null),
  },
];

async function reopen(shop: Shop, { orderId }: BuiltOrder): Promise<void> {
  await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL WHERE id = ?', [orderId]);
}

test.each(PATHS)('after $path no path gives anything again', async ({ cancel }) => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });

  const first = await changesOf(shop, () => cancel(shop.db, order));
  const again = await changesOf(shop, async () => {
    for (const other of PATHS) await other.cancel(shop.db, order);
  });

  expect(first.user_coupon_ledger).toHaveLength(1);
  expect(first.user_points_ledger).toHaveLength(1);
  expect(again).toEqual({});
});

test.each(PATHS)(
  'an order that was set back to pending is cancelled again by $path, and nothing comes back twice',
  async ({ cause, cancel }) => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
    await cancelExpiredOrder(shop.db, order);
    await reopen(shop, order);

    const changed = await changesOf(shop, () => cancel(shop.db, order));

    expect(changed).toEqual(cancelled({ order, cause }));
  },
);

test('nor when the ledgers have lost what came back: the journal remembers', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  await cancelOrder(shop.db, order);
  await reopen(shop, order);
  await shop.run("DELETE FROM user_coupon_ledger WHERE action = 'cancel_refund'");
  await shop.run("DELETE FROM user_points_ledger WHERE action = 'cancel_refund'");

  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(changed).toEqual(cancelled({ order }));
});

test('a coupon that the reopened order holds anew is set free, but what it took is a person’s to decide', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000 });
  await cancelExpiredOrder(shop.db, order);
  await reopen(shop, order);
  await shop.run(
    'UPDATE user_coupons SET status = 4, balance_amount = 0, used_order_id = ?, used_at = NOW(3)',
    [order.orderId],
  );
  await couponLedgerRow(shop, { ...order, change: -1000, action: 'reserve' });

  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(changed).toEqual(cancelled({ order, coupons: [{ amount: 0 }] }));
});

test('what a reopened order had not got back yet comes back', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000 });
  await cancelExpiredOrder(shop.db, order);
  await reopen(shop, order);
  await shop.run('UPDATE orders SET points_amount = 50');

  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(changed).toEqual(cancelled({ order, points: { amount: 50, before: null } }));
});

test('the journal has a row for each time that an order was cancelled', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000 });
  for (const { cancel } of PATHS) {
    await cancel(shop.db, order);
    await reopen(shop, order);
  }

  expect(
    await rowOf(
      shop,
      `SELECT COUNT(*) AS cancellations, COUNT(DISTINCT batch_id) AS batches,
              CAST(SUM(coupon_refunded) AS SIGNED) AS coupon_refunded, GROUP_CONCAT(cause ORDER BY batch_id) AS causes
         FROM order_timeout_cancelled`,
    ),
  ).toEqual({
    cancellations: 4,
    batches: 4,
    coupon_refunded: 1000,
    causes: PATHS.map(({ cause }) => cause).join(),
  });
});

test('the journal says who, what, why, when and how much, in which run', async () => {
  const shop = await freshShop();
  const swept = await pendingOrder(shop, { coupon: 1000, points: 5, sourceType: 4 });
  await sweep(shop.db);
  const mine = await pendingOrder(shop, { coupon: 300, points: 7, sourceType: 2 });
  await cancelOrder(shop.db, mine, mine.userId, 'ordered twice');

  const rows = await shop.run(
    `SELECT cancellation.order_id, cancellation.user_id, cancellation.source_type, cancellation.cause,
            batch.cause AS batch_cause, batch.remark,
            cancellation.run_id <=> (SELECT MAX(id) FROM order_timeout_run) AS is_run,
            batch.run_id <=> cancellation.run_id AS is_same_run,
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

  const common = { is_same_run: 1, is_caller: 1, is_one_time: 1 };
  expect(rows).toEqual([
    {
      ...common,
      order_id: swept.orderId,
      user_id: swept.userId,
      source_type: 4,
      cause: 'timeout',
      batch_cause: 'timeout',
      remark: 'order_timeout',
      is_run: 1,
      coupon_refunded: 1000,
      points_refunded: 5,
    },
    {
      ...common,
      order_id: mine.orderId,
      user_id: mine.userId,
      source_type: 2,
      cause: 'user',
      batch_cause: 'user',
      remark: 'ordered twice',
      is_run: 0,
      coupon_refunded: 300,
      points_refunded: 7,
    },
  ]);
});
