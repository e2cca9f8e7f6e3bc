import type { Connection } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import {
  type BuiltOrder,
  changesOf,
  closeGate,
  createShop,
  lockWait,
  pendingOrder,
  type Shop,
} from '../support';
import { cancelExpiredOrder, cancelOrder, configure, errorOf, rowOf, sweep } from './calls';
import { cancelled } from './cancelled';
import { holding } from './obstacles';
import { shopOfFile } from './shop-of-file';
import { lockWaitTimeouts } from '../races/outcomes';

const freshShop = shopOfFile();

/** A caller's transaction that locks no gaps: in REPEATABLE READ it would keep others from the orders beside its own. */
async function readCommitted(shop: Shop): Promise<Connection> {
  const db = await shop.connect();
  await db.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
  await db.query('START TRANSACTION');
  return db;
}

/** What somebody of the shop can hold locked of an order. */
const HOLDS: { what: string; hold: (shop: Shop, order: BuiltOrder) => Promise<Connection> }[] = [
  {
    what: 'the order',
    hold: (shop, { orderId }) =>
      holding(shop, ['SELECT * FROM orders WHERE id = ? FOR UPDATE', [orderId]]),
  },
  {
    what: 'the order for a payment in progress',
    hold: (shop, { orderId }) =>
      holding(shop, ['UPDATE orders SET status = 2 WHERE id = ? AND status = 1', [orderId]]),
  },
  {
    what: 'the coupon',
    hold: (shop, { couponId }) =>
      holding(shop, ['SELECT * FROM user_coupons WHERE id = ? FOR UPDATE', [couponId]]),
  },
  {
    what: 'the points row',
    hold: (shop, { userId }) =>
      holding(shop, ['UPDATE user_points SET points = points - 1 WHERE user_id = ?', [userId]]),
  },
];

describe.each(HOLDS)('while somebody holds $what', ({ what, hold }) => {
  test.each([
    { batchSize: 500, how: 'all in one batch' },
    { batchSize: 3, how: 'in one full batch' },
    { batchSize: 1, how: 'one by one' },
  ])(
    'the sweep does the other orders ($how) without waiting, and this one next time',
    async ({ batchSize }) => {
      const shop = await freshShop();
      await configure(shop, { batch_size: batchSize });
      const first = await pendingOrder(shop, { coupon: 100, points: 1, ageMinutes: 90 });
      const held = await pendingOrder(shop, { coupon: 1000, points: 50, ageMinutes: 80 });
      const last = await pendingOrder(shop, { coupon: 300, points: 3, ageMinutes: 70 });
      const holder = await hold(shop, held);

      const changed = await changesOf(shop, async () => {
        const db = await shop.connect();
        expect(await sweep(db)).toMatchObject({ outcome: 'completed', cancelled: 2, failed: 0 });
        expect(await lockWaitTimeouts(db)).toBe(0);
      });
      await holder.query('ROLLBACK');
      const next = await changesOf(shop, () => sweep(shop.db));

      expect(changed).toEqual(
        cancelled(
          [
            { order: first, coupons: [{ amount: 100 }], points: 1 },
            { order: last, coupons: [{ amount: 300 }], points: 3 },
          ],
          batchSize === 1 ? 2 : 1,
        ),
      );
      expect(next).toEqual(cancelled({ order: held, coupons: [{ amount: 1000 }], points: 50 }));
    },
  );

  test('it is left to the next run, not failed; what an order leads to counts as put off', async () => {
    const shop = await freshShop();
    const holder = await hold(shop, await pendingOrder(shop, { coupon: 1000, points: 50 }));
    await pendingOrder(shop, { coupon: 100 });

    await sweep(shop.db);
    await holder.query('ROLLBACK');

    expect(
      await rowOf(shop, 'SELECT outcome, cancelled, failed, put_off FROM order_timeout_run'),
    ).toEqual({
      outcome: 'completed',
      cancelled: 1,
      failed: 0,
      put_off: what.startsWith('the order') ? 0 : 1,
    });
  });

  test('a call for this order waits, and does its work when it is free', async () => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const holder = await hold(shop, order);

    const changed = await changesOf(shop, async () => {
      const call = cancelExpiredOrder(shop.db, order);
      await lockWait(shop);
      await holder.query('ROLLBACK');
      expect(await call).toMatchObject({ outcome: 'cancelled' });
    });

    expect(changed).toEqual(cancelled({ order, coupons: [{ amount: 1000 }], points: 50 }));
  });

  test.each([
    { joins: false, call: (db: Connection, order: BuiltOrder) => cancelExpiredOrder(db, order) },
    { joins: true, call: (db: Connection, order: BuiltOrder) => cancelOrder(db, order) },
  ])(
    'a call waits no longer than its caller’s innodb_lock_wait_timeout, and has changed nothing (joins: $joins)',
    async ({ joins, call }) => {
      const shop = await freshShop();
      const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
      const holder = await hold(shop, order);
      const db = await shop.connect();
      await db.query('SET SESSION innodb_lock_wait_timeout = 1');
      if (joins) await db.query('START TRANSACTION');

      const changed = await changesOf(shop, async () => {
        const before = Date.now();
        expect(await errorOf(call(db, order))).toMatchObject({ errno: 1205 });
        expect(Date.now() - before).toBeLessThan(10_000);
        await db.query('COMMIT');
        await holder.query('ROLLBACK');
      });

      expect(changed).toEqual({});
    },
  );
});

test('two calls in transactions of their own wait for no row of the other’s user, whatever the statistics say', async () => {
  const shop = await createShop();
  // Of a table that it takes for empty the optimizer, left to itself, reads and locks all.
  await shop.run('ANALYZE TABLE user_points, user_coupons, order_coupons, orders');
  const orders = [
    await pendingOrder(shop, { coupon: 1000, points: 50 }),
    await pendingOrder(shop, { coupon: 1000, points: 50 }),
  ];
  const callers = await Promise.all(orders.map(() => readCommitted(shop)));
  for (const db of callers) await db.query('SET innodb_lock_wait_timeout = 1');

  for (const [nth, order] of orders.entries())
    expect(await cancelExpiredOrder(callers[nth] ?? shop.db, order)).toMatchObject({
      outcome: 'cancelled',
    });
  for (const db of callers) await db.query('COMMIT');
});

test('a call has locked the points that it gives to, whatever its session’s time zone', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { points: 50 });
  await shop.run('UPDATE user_points SET valid_end = NOW() + INTERVAL 1 HOUR');
  const gate = await closeGate(shop, 'INSERT ON user_points_ledger');
  const db = await shop.connect();
  await db.query("SET time_zone = '+14:00'");
  const call = cancelExpiredOrder(db, order);
  await gate.reached();

  // Else the shop could merge this account into another one, and nobody would get them.
  expect(await errorOf(shop.run('SELECT * FROM user_points FOR UPDATE NOWAIT'))).toMatchObject({
    errno: 3572,
  });
  await gate.open();
  expect(await call).toMatchObject({ points_refunded: 50 });
});

test('a payment that commits while a call waits wins: the order is not pending', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const payment = await holding(shop, [
    'UPDATE orders SET status = 2, paid_at = NOW(3) WHERE id = ? AND status = 1',
    [order.orderId],
  ]);

  const changed = await changesOf(shop, async () => {
    const call = cancelExpiredOrder(shop.db, order);
    await lockWait(shop);
    await payment.query('COMMIT');
    expect(await call).toMatchObject({ outcome: 'not_pending', coupon_refunded: 0 });
  });

  expect(changed).toEqual({ orders: [{ id: order.orderId, status: [1, 2] }] });
});

test('a payment that comes while a call cancels finds no pending order', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000 });
  const db = await holding(shop);
  await cancelExpiredOrder(db, order);
  const payer = await shop.connect({ flags: ['-FOUND_ROWS'] });

  const payment = payer.query('UPDATE orders SET status = 2 WHERE id = ? AND status = 1', [
    order.orderId,
  ]);
  await lockWait(shop);
  await db.query('COMMIT');

  expect(await payment).toMatchObject([{ affectedRows: 0 }, undefined]);
  expect(await rowOf(shop, 'SELECT status FROM orders')).toEqual({ status: 3 });
});

test('a hold that is committed while a call waits for the order is seen', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000 });
  const cashier = await holding(
    shop,
    ['SELECT * FROM orders WHERE id = ? FOR UPDATE', [order.orderId]],
    [
      `INSERT INTO order_timeout_hold (order_id, held_until, held_by, held_at)
       VALUES (?, UTC_TIMESTAMP(3) + INTERVAL 5 MINUTE, 'test', UTC_TIMESTAMP(3))`,
      [order.orderId],
    ],
  );

  const call = cancelExpiredOrder(shop.db, order);
  await lockWait(shop);
  await cashier.query('COMMIT');

  expect(await call).toMatchObject({ outcome: 'on_hold' });
});

test('a sweep meets a call in progress: each order is cancelled by one of them', async () => {
  const shop = await freshShop();
  const called = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const swept = await pendingOrder(shop, { coupon: 300, points: 3 });
  const caller = await readCommitted(shop);

  const changed = await changesOf(shop, async () => {
    await cancelOrder(caller, called, called.userId);
    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 1 });
    await caller.query('COMMIT');
    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 0 });
  });

  expect(changed.orders).toHaveLength(2);
  expect(changed.order_timeout_cancellation).toMatchObject([
    { order_id: called.orderId, cause: 'user' },
    { order_id: swept.orderId, cause: 'timeout' },
  ]);
  expect(changed.order_timeout_refund).toMatchObject([
    { order_id: called.orderId, kind: 'coupon', amount: 1000 },
    { order_id: called.orderId, kind: 'points', amount: 50 },
    { order_id: swept.orderId, kind: 'coupon', amount: 300 },
    { order_id: swept.orderId, kind: 'points', amount: 3 },
  ]);
  expect(changed.user_coupon_ledger).toHaveLength(2);
  expect(changed.user_points_ledger).toHaveLength(2);
});

test('two calls for one order at once cancel it once', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const holder = await holding(shop, [
    'SELECT * FROM orders WHERE id = ? FOR UPDATE',
    [order.orderId],
  ]);

  const changed = await changesOf(shop, async () => {
    const calls = [cancelExpiredOrder(shop.db, order), cancelExpiredOrder(shop.db, order)];
    await lockWait(shop, 2);
    await holder.query('ROLLBACK');
    const outcomes = (await Promise.all(calls)).map(({ outcome }) => outcome);
    expect(outcomes.sort()).toEqual(['cancelled', 'not_pending']);
  });

  expect(changed).toEqual(cancelled({ order, coupons: [{ amount: 1000 }], points: 50 }));
});

test('600 due orders on one coupon that somebody holds: the sweep passes all of them, and ends', async () => {
  const shop = await freshShop();
  await configure(shop, { batch_size: 250 });
  const free = await pendingOrder(shop, { coupon: 300, ageMinutes: 31 });
  const first = await pendingOrder(shop, { coupon: 1000, couponStatus: 'usable' });
  await shop.run(
    `INSERT INTO orders (order_no, user_id, coupon_id, created_at)
     WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 599)
     SELECT CONCAT('shared ', n), 1, ?, NOW(3) - INTERVAL 1 HOUR FROM n`,
    [first.couponId],
  );
  const holder = await holding(shop, [
    'SELECT * FROM user_coupons WHERE id = ? FOR UPDATE',
    [first.couponId],
  ]);

  const changed = await changesOf(shop, async () => {
    const db = await shop.connect();
    expect(await sweep(db)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
    expect(await lockWaitTimeouts(db)).toBe(0);
  });
  await holder.query('ROLLBACK');

  expect(changed).toEqual(cancelled({ order: free, coupons: [{ amount: 300 }] }));
  expect(await rowOf(shop, 'SELECT put_off FROM order_timeout_run')).toEqual({ put_off: 600 });
  expect(await sweep(shop.db)).toMatchObject({ cancelled: 600, coupon_refunded: 1000 });
});

test.each(['nothing to give back', 'all given back before it was reopened'] as const)(
  'a call in a READ COMMITTED transaction for an order with %s keeps the sweep from nothing',
  async (what) => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { coupon: 1000, couponStatus: 'used up' });
    if (what === 'nothing to give back') {
      await shop.run('DELETE FROM order_coupons');
      await shop.run('DELETE FROM user_coupon_ledger');
    } else {
      await cancelExpiredOrder(shop.db, order);
      await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');
    }
    await pendingOrder(shop, { points: 50 });
    const caller = await readCommitted(shop);
    expect(await cancelOrder(caller, order)).toMatchObject({ coupon_refunded: 0 });

    const db = await shop.connect();
    expect(await sweep(db)).toMatchObject({ cancelled: 1, points_refunded: 50 });
    expect(await lockWaitTimeouts(db)).toBe(0);
    await caller.query('COMMIT');
    expect(await shop.run('SELECT DISTINCT status FROM orders')).toEqual([{ status: 3 }]);
  },
);

test('a lock of an excluded or a young order, or of another user’s points, is nothing to a sweep', async () => {
  const shop = await freshShop();
  const due = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const excluded = await pendingOrder(shop, { sourceType: 3 });
  const young = await pendingOrder(shop, { ageMinutes: 5, points: 5, coupon: 5 });
  await holding(
    shop,
    ['SELECT * FROM orders WHERE id IN (?, ?) FOR UPDATE', [excluded.orderId, young.orderId]],
    ['SELECT * FROM user_points WHERE user_id = ? FOR UPDATE', [young.userId]],
    ['SELECT * FROM user_coupons WHERE id = ? FOR UPDATE', [young.couponId]],
  );

  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(changed).toEqual(cancelled({ order: due, coupons: [{ amount: 1000 }], points: 50 }));
});

test('a settings row that an operator is just changing makes no sweep wait or fail', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000 });
  await holding(shop, ['UPDATE order_timeout_setting SET batch_size = 7']);

  const changed = await changesOf(shop, async () => {
    const db = await shop.connect();
    expect(await sweep(db)).toMatchObject({ outcome: 'completed', cancelled: 1 });
    expect(await lockWaitTimeouts(db)).toBe(0);
  });

  expect(changed).toEqual(cancelled({ order, coupons: [{ amount: 1000 }] }));
});
