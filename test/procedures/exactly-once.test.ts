import { expect, test } from 'vitest';
import {
  type BuiltOrder,
  changesOf,
  coupon,
  couponLedgerRow,
  pendingOrder,
  type Shop,
} from '../support';
import { cancelExpiredOrder, cancelOrder, type Database, rowOf, sweep } from './calls';
import { cancelled, type Found } from './cancelled';
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
    path: 'cancel_order_as_admin()',
    cause: 'admin',
    cancel: (db, order) => cancelOrder(db, order),
  },
];

/** That an order was cancelled again after its claims. */
const SECOND_TAKE: Found[] = [
  { what: 'second_take', amount: 1000, other: 1000 },
  { kind: 'points', what: 'second_take', amount: 50, other: 50 },
];
const SHORT: Found[] = [
  { what: 'short', amount: 1000, other: 2000 },
  { kind: 'points', what: 'short', amount: 50, other: 100 },
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
  'an order that was set back to pending is cancelled again by $path, and nothing comes back twice; a person is told',
  async ({ cause, cancel }) => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
    await cancelExpiredOrder(shop.db, order);
    await reopen(shop, order);

    const changed = await changesOf(shop, () => cancel(shop.db, order));

    expect(changed).toEqual(cancelled({ order, cause, findings: SECOND_TAKE }));
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

  const findings = [SECOND_TAKE[0], SHORT[0], SECOND_TAKE[1], SHORT[1]] as Found[];
  expect(changed).toEqual(cancelled({ order, findings }));
});

test('a coupon that the reopened order takes anew is set free, but what it took is a person’s to decide', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000, couponIn: 'ledger' });
  await cancelExpiredOrder(shop.db, order);
  await reopen(shop, order);
  await shop.run(
    'UPDATE user_coupons SET status = 4, balance_amount = 0, used_order_id = ?, used_at = NOW(3)',
    [order.orderId],
  );
  await couponLedgerRow(shop, { ...order, change: -1000, action: 'reserve' });

  const changed = await changesOf(shop, () => sweep(shop.db));

  const findings = [
    { what: 'second_take', amount: 1000, other: 2000 },
    { what: 'short', amount: 1000, other: 2000 },
  ];
  expect(changed).toEqual(cancelled({ order, coupons: [{ amount: 0 }], findings }));
});

test('what a reopened order had not got back yet comes back', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000 });
  await cancelExpiredOrder(shop.db, order);
  await reopen(shop, order);
  await shop.run('UPDATE orders SET points_amount = 50');

  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(changed).toEqual(
    cancelled({
      order,
      points: { amount: 50, before: null },
      findings: [{ what: 'second_take', amount: 1000, other: 1000 }],
    }),
  );
});

test('three coupons, two of which came back in earlier batches: a call that joins an older snapshot gives the third', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000 });
  const joined = await shop.connect();
  await joined.query('SET transaction_isolation = ?', ['REPEATABLE-READ']);
  await joined.query('START TRANSACTION');
  await joined.query(
    'SELECT COUNT(*) FROM orders, user_coupons, user_coupon_ledger, order_timeout_refund, order_coupons',
  );
  const ids = [order.couponId];
  for (const amount of [300, 20]) {
    await cancelExpiredOrder(shop.db, order);
    await reopen(shop, order);
    const id = await coupon(shop, { userId: order.userId, status: 'held', usedFor: order.orderId });
    await shop.run(
      'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, ?, ?)',
      [order.orderId, id, amount],
    );
    ids.push(id);
  }

  const changed = await changesOf(shop, async () => {
    expect(await cancelExpiredOrder(joined, order)).toMatchObject({ coupon_refunded: 20 });
    await joined.query('COMMIT');
  });

  const [first, second, third] = ids as [number, number, number];
  const { order_timeout_finding: found = [], ...rest } = changed;
  expect(rest).toEqual(cancelled({ order, coupons: [{ id: third, amount: 20 }] }));
  // That the first one was cancelled again is known since the second time.
  expect(found).toMatchObject([{ target_id: second, what: 'second_take', amount: 300 }]);
  expect(await shop.run('SELECT id, balance_amount FROM user_coupons ORDER BY id')).toEqual([
    { id: first, balance_amount: 1000 },
    { id: second, balance_amount: 300 },
    { id: third, balance_amount: 20 },
  ]);
});

test('a repeated call waits for nobody who holds the journal, and tells all that the first one did', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const { outcome, ...first } = await cancelExpiredOrder(shop.db, order);
  const holder = await shop.connect();
  await holder.query('START TRANSACTION');
  for (const table of ['order_timeout_refund', 'order_timeout_cancellation'])
    await holder.query('SELECT * FROM ?? WHERE order_id = ? FOR UPDATE', [table, order.orderId]);
  const caller = await shop.connect();
  await caller.query('SET SESSION innodb_lock_wait_timeout = 1');

  expect(outcome).toBe('cancelled');
  expect(first).toMatchObject({ coupon_refunded: 1000, points_refunded: 50 });
  expect(await cancelExpiredOrder(caller, order)).toEqual({ ...first, outcome: 'not_pending' });
  await holder.query('ROLLBACK');
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
