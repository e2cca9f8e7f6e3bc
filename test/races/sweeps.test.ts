import type { Connection } from 'mysql2/promise';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type Baseline,
  findBalanceViolations,
  findViolations,
  takeBaseline,
} from '../../scripts/dev/invariants';
import {
  type BuiltOrder,
  changesOf,
  closeGate,
  createShop,
  lockWait,
  pendingOrder,
  type Shop,
} from '../support';
import { call, lockWaitTimeouts, outcomeOf, sweep } from './outcomes';

let shop: Shop;
let order: BuiltOrder;
let first: Connection;
let second: Connection;
let third: Connection;
let baseline: Baseline;

beforeEach(async () => {
  shop = await createShop();
  order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  [first, second, third] = await Promise.all([shop.connect(), shop.connect(), shop.connect()]);
  baseline = await takeBaseline(shop.db);
});

/** All orders are cancelled, once each, and all that they took is back, once. */
async function expectAllBackOnce(): Promise<void> {
  expect(await shop.run('SELECT DISTINCT status FROM orders')).toEqual([{ status: 3 }]);
  expect(
    await shop.run(
      'SELECT order_id FROM order_timeout_cancellation GROUP BY order_id HAVING COUNT(*) > 1',
    ),
  ).toEqual([]);
  expect(
    await shop.run(
      `SELECT order_id, 'coupon' AS kind FROM order_timeout_due_coupon WHERE returned <> taken
        UNION ALL SELECT order_id, 'points' FROM order_timeout_due_points WHERE returned <> taken`,
    ),
  ).toEqual([]);
  expect(await findViolations(shop.db)).toEqual([]);
  expect(await findBalanceViolations(shop.db, baseline)).toEqual([]);
}

describe('two sweeps', () => {
  test('one works, the other says busy, does nothing and is no sign of life', async () => {
    await shop.run('UPDATE order_timeout_heartbeat SET beat_at = NULL, outcome = NULL');
    const gate = await closeGate(shop, 'INSERT ON user_coupon_ledger');
    const swept = sweep(first);
    await gate.reached();

    expect(await sweep(second)).toMatchObject({ run_id: null, outcome: 'busy', cancelled: 0 });
    expect(await shop.run('SELECT beat_at FROM order_timeout_heartbeat')).toEqual([
      { beat_at: null },
    ]);
    await gate.open();

    expect(await swept).toMatchObject({ outcome: 'completed', cancelled: 1 });
    expect(await sweep(second)).toMatchObject({ run_id: null, outcome: 'completed' });
    await expectAllBackOnce();
  });

  test('that both work, as on two servers without the lock, still give back once', async () => {
    // The procedure beneath the lock, as the lock would let nobody see this.
    const withoutLock = (db: Connection) =>
      db.query(
        'CALL order_timeout_sweep(order_timeout_now(), 30, 30, SYSDATE(3) + INTERVAL 50 SECOND, @run_id, @outcome)',
      );
    for (const db of [first, second]) await db.query("SET time_zone = '+00:00'");
    await shop.run('UPDATE order_timeout_setting SET batch_size = 2');
    for (let n = 0; n < 5; n++) await pendingOrder(shop, { coupon: 100, points: 5 });
    baseline = await takeBaseline(shop.db);
    const gate = await closeGate(shop, 'INSERT ON user_points_ledger');
    const slow = withoutLock(first);
    await gate.reached();
    const fast = withoutLock(second);
    // The second skips the two orders of the first, and stands at the gate with two others.
    await gate.reached(2);
    await gate.open();
    await Promise.all([slow, fast]);
    await sweep(third);

    await expectAllBackOnce();
  });
});

describe('on one order, at once', () => {
  test('the sweep, a call and its user: the sweep was first, the others find it cancelled', async () => {
    const gate = await closeGate(shop, 'INSERT ON user_coupon_ledger');
    const swept = sweep(first);
    await gate.reached();
    const called = outcomeOf(call(second, 'cancel_expired_order(?)', order.orderId));
    const users = outcomeOf(call(third, "cancel_order(?, ?, '')", order.orderId, order.userId));
    await lockWait(shop);
    await gate.open();

    expect(await Promise.all([called, users])).toEqual(['not_pending', 'not_pending']);
    expect(await swept).toMatchObject({ cancelled: 1, coupon_refunded: 1000, points_refunded: 50 });
    await expectAllBackOnce();
  });

  test.each([
    ['a call', "cancel_order_as_admin(?, '')", 'cancel_expired_order(?)'],
    ['its user', 'cancel_expired_order(?)', "cancel_order_as_admin(?, '')"],
  ])('%s was first: the sweep skips the order, who waits finds it cancelled', async (...names) => {
    const [, waiting, working] = names;
    const gate = await closeGate(shop, 'INSERT ON user_coupon_ledger');
    const worked = call(first, working, order.orderId);
    await gate.reached();
    const waited = outcomeOf(call(second, waiting, order.orderId));
    await lockWait(shop);
    const swept = await sweep(third);
    await gate.open();

    expect(swept).toMatchObject({ outcome: 'completed', cancelled: 0, failed: 0 });
    expect(await lockWaitTimeouts(third)).toBe(0);
    expect(await worked).toMatchObject({ outcome: 'cancelled', coupon_refunded: 1000 });
    expect(await waited).toBe('not_pending');
    await expectAllBackOnce();
  });

  test('a repair and another repair: one gives, the other finds nothing missing', async () => {
    await shop.run('UPDATE orders SET status = 3, cancelled_at = NOW(3)');
    const gate = await closeGate(shop, 'INSERT ON user_coupon_ledger');
    const repaired = call(first, 'repair_missing_refund(?)', order.orderId);
    await gate.reached();
    const again = call(second, 'repair_missing_refund(?)', order.orderId);
    await lockWait(shop);
    await gate.open();

    expect(await repaired).toMatchObject({ kind: 'coupon', missing: 1000, given: 1000 });
    expect(await again).toEqual({});
    expect(await findViolations(shop.db)).toEqual([]);
    expect(await findBalanceViolations(shop.db, baseline)).toEqual([]);
  });
});

describe('on one account, at once', () => {
  test('two orders of a user without a points row: both amounts are there', async () => {
    const userId = shop.nextId('user');
    const one = await pendingOrder(shop, { userId, points: 30, pointsLeft: null });
    const other = await pendingOrder(shop, { userId, points: 7, pointsLeft: null });
    const gate = await closeGate(shop, 'INSERT ON user_points');
    const calls = [
      call(first, 'cancel_expired_order(?)', one.orderId),
      call(second, 'cancel_expired_order(?)', other.orderId),
    ];
    await gate.reached(2);
    await gate.open();
    await Promise.all(calls);
    await sweep(third);

    expect(
      await shop.run(
        'SELECT CAST(SUM(points) AS SIGNED) AS points FROM user_points WHERE user_id = ?',
        [userId],
      ),
    ).toEqual([{ points: 37 }]);
    await expectAllBackOnce();
  });

  test('two calls for two orders on one coupon: both amounts are on it', async () => {
    const other = await pendingOrder(shop, {
      userId: order.userId,
      coupons: [{ amount: 300, couponId: order.couponId }],
    });
    const gate = await closeGate(shop, 'INSERT ON user_coupon_ledger');
    const worked = call(first, 'cancel_expired_order(?)', order.orderId);
    await gate.reached();
    const waited = call(second, 'cancel_expired_order(?)', other.orderId);
    await lockWait(shop);
    await gate.open();
    await Promise.all([worked, waited]);

    expect(await shop.run('SELECT balance_amount FROM user_coupons')).toEqual([
      { balance_amount: 1300 },
    ]);
    await expectAllBackOnce();
  });

  test('300 orders of a batch on one coupon and one user: each amount is there, once', async () => {
    await shop.run(
      `INSERT INTO orders (order_no, user_id, source_type, status, points_amount, coupon_id, created_at)
       WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 300)
       SELECT CONCAT('many', n), ?, 1, 1, n, ?, NOW(3) - INTERVAL 1 HOUR FROM n`,
      [order.userId, order.couponId],
    );
    await shop.run(
      `INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount)
       SELECT id, coupon_id, points_amount * 10 FROM orders WHERE order_no LIKE 'many%'`,
    );

    expect(await sweep(first)).toMatchObject({ cancelled: 301 });
    const sum = (300 * 301) / 2;
    expect(await shop.run('SELECT id, status, balance_amount FROM user_coupons')).toEqual([
      { id: order.couponId, status: 1, balance_amount: 1000 + sum * 10 },
    ]);
    expect(await shop.run('SELECT user_id, points FROM user_points')).toEqual([
      { user_id: order.userId, points: 50 + sum },
    ]);
    expect(
      await shop.run(
        `SELECT COUNT(*) AS ledger_rows, CAST(SUM(change_amount) AS SIGNED) AS amount
           FROM user_coupon_ledger WHERE action = 'timeout_refund'`,
      ),
    ).toEqual([{ ledger_rows: 301, amount: 1000 + sum * 10 }]);
    await expectAllBackOnce();
  });
});

describe('somebody holds what an order needs', () => {
  test.each([
    ['its coupon', 'SELECT id FROM user_coupons WHERE id = ? FOR UPDATE', 'couponId'],
    ['its points', 'SELECT id FROM user_points WHERE user_id = ? FOR UPDATE', 'userId'],
    ['the order', 'SELECT id FROM orders WHERE id = ? FOR SHARE', 'orderId'],
  ] as const)('%s: the sweep cancels the others at once, and it the next time', async (...held) => {
    const [, sql, id] = held;
    for (let n = 0; n < 20; n++) await pendingOrder(shop, { coupon: 100, points: 5 });
    baseline = await takeBaseline(shop.db);
    await first.beginTransaction();
    await first.query(sql, [order[id]]);

    expect(await sweep(second)).toMatchObject({ outcome: 'completed', cancelled: 20, failed: 0 });
    expect(await lockWaitTimeouts(second)).toBe(0);
    expect(await shop.run('SELECT id FROM orders WHERE status = 1')).toEqual([
      { id: order.orderId },
    ]);
    expect(await shop.run('SELECT put_off FROM order_timeout_run')).toEqual([
      { put_off: id === 'orderId' ? 0 : 1 },
    ]);
    // Nothing of the order that was put off was touched, not even its other account.
    expect(
      await changesOf(shop, async () => {
        expect(await sweep(second)).toMatchObject({ cancelled: 0, failed: 0 });
      }),
    ).toEqual({});

    await first.rollback();
    expect(await sweep(second)).toMatchObject({ outcome: 'completed', cancelled: 1 });
    await expectAllBackOnce();
  });

  test('the call waits, and sees what the shop has committed meanwhile', async () => {
    await first.beginTransaction();
    await first.query('UPDATE user_coupons SET balance_amount = balance_amount + 7 WHERE id = ?', [
      order.couponId,
    ]);
    const answer = call(second, 'cancel_expired_order(?)', order.orderId);
    await lockWait(shop);
    await first.commit();

    expect(await answer).toMatchObject({ outcome: 'cancelled', coupon_refunded: 1000 });
    expect(await shop.run('SELECT balance_amount FROM user_coupons')).toEqual([
      { balance_amount: 1007 },
    ]);
  });
});
