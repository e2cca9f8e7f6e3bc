import type { Connection } from 'mysql2/promise';
import { beforeEach, describe, expect, test } from 'vitest';
import { behind, type BuiltOrder, closeGate, lockWait, pendingOrder, shopOfFile } from '../support';
import {
  call,
  cancelExpiredOrder,
  cancelOrder,
  expectAllBackOnce,
  lockWaitTimeouts,
  outcomeOf,
  rowsOf,
  sweep,
  violations,
} from '../procedures/calls';

const shop = shopOfFile();

let order: BuiltOrder;
let first: Connection;
let second: Connection;
let third: Connection;

beforeEach(async () => {
  order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  [first, second, third] = await Promise.all([shop.connect(), shop.connect(), shop.connect()]);
});

describe('two sweeps', () => {
  test('one works, the other says busy, does nothing and is no sign of life', async () => {
    const gate = await closeGate(shop, 'INSERT ON user_coupon_ledger');
    const swept = sweep(first);
    await gate.reached();

    expect(await sweep(second)).toMatchObject({ run_id: null, outcome: 'busy', cancelled: 0 });
    expect(await shop.column('SELECT beat_at FROM order_timeout_heartbeat')).toEqual([null]);
    await gate.open();

    expect(await swept).toMatchObject({ outcome: 'completed', cancelled: 1 });
    expect(await sweep(second)).toMatchObject({ run_id: null, outcome: 'completed' });
    await expectAllBackOnce(shop);
  });

  test('that both work, as on two servers without the lock, still give back once', async () => {
    // The procedure beneath the lock, as the lock would let nobody see this.
    const withoutLock = (db: Connection) =>
      db.query(
        'CALL order_timeout_sweep(order_timeout_now(), 30, 30, SYSDATE(3) + INTERVAL 50 SECOND, @run_id, @outcome, @errno, @error)',
      );
    for (const db of [first, second]) await db.query("SET time_zone = '+00:00'");
    await shop.run('UPDATE order_timeout_setting SET batch_size = 2');
    for (let n = 0; n < 5; n++) await pendingOrder(shop, { coupon: 100, points: 5 });
    const gate = await closeGate(shop, 'INSERT ON user_points_ledger');
    const slow = withoutLock(first);
    await gate.reached();
    const fast = withoutLock(second);
    // The second skips the two orders of the first, and stands at the gate with two others.
    await gate.reached(2);
    await gate.open();
    await Promise.all([slow, fast]);
    await sweep(third);

    await expectAllBackOnce(shop);
  });
});

describe('on one order, at once', () => {
  test('the sweep, a call and its user: the sweep was first, the others find it cancelled', async () => {
    const others = () =>
      Promise.all([
        outcomeOf(cancelExpiredOrder(second, order)),
        outcomeOf(cancelOrder(third, order, order.userId)),
      ]);
    const [swept, found] = await behind(shop, () => sweep(first), others, 2);

    expect(found).toEqual(['not_pending', 'not_pending']);
    expect(swept).toMatchObject({ cancelled: 1, coupon_refunded: 1000, points_refunded: 50 });
    await expectAllBackOnce(shop);
  });

  test.for([
    ['a call', "cancel_order_as_admin(?, '')", 'cancel_expired_order(?)'],
    ['its user', 'cancel_expired_order(?)', "cancel_order_as_admin(?, '')"],
  ] as const)(
    '%s was first: the sweep skips the order, who waits finds it cancelled',
    async ([, waiting, working]) => {
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
      await expectAllBackOnce(shop);
    },
  );

  test('a repair and another repair: one gives, the other finds nothing missing', async () => {
    await shop.run('UPDATE orders SET status = 3, cancelled_at = NOW(3)');
    const repair = (db: Connection) => rowsOf(db, 'repair_missing_refund(?)', order.orderId);
    const [repaired, again] = await behind(
      shop,
      () => repair(first),
      () => repair(second),
    );

    expect(repaired).toMatchObject([{ kind: 'coupon', given: 1000 }, { kind: 'points' }]);
    expect(again).toEqual([]);
    expect(await violations(shop.db)).toEqual([]);
  });
});

describe('on one account, at once', () => {
  test('two orders of a user without a points row: both amounts are there', async () => {
    const userId = shop.nextId('user');
    const one = await pendingOrder(shop, { userId, points: 30, pointsLeft: null });
    const other = await pendingOrder(shop, { userId, points: 7, pointsLeft: null });
    const gate = await closeGate(shop, 'INSERT ON user_points');
    const calls = [cancelExpiredOrder(first, one), cancelExpiredOrder(second, other)];
    await gate.reached(2);
    await gate.open();
    await Promise.all(calls);
    await sweep(third);

    const sql = 'SELECT CAST(SUM(points) AS SIGNED) AS points FROM user_points WHERE user_id = ?';
    expect(await shop.column(sql, [userId])).toEqual([37]);
    await expectAllBackOnce(shop);
  });

  test('two calls for two orders on one coupon: both amounts are on it', async () => {
    const { userId, couponId } = order;
    const other = await pendingOrder(shop, { userId, coupons: [{ amount: 300, couponId }] });
    await behind(
      shop,
      () => cancelExpiredOrder(first, order),
      () => cancelExpiredOrder(second, other),
    );

    expect(await shop.column('SELECT balance_amount FROM user_coupons')).toEqual([1300]);
    await expectAllBackOnce(shop);
  });

  test('300 orders of a batch on one coupon and one user: each amount is there, once', async () => {
    const { userId, couponId } = order;
    await shop.run(
      `INSERT INTO orders (order_no, user_id, source_type, status, points_amount, coupon_id, created_at)
       WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 300)
       SELECT CONCAT('many', n), ?, 1, 1, n, ?, NOW(3) - INTERVAL 1 HOUR FROM n`,
      [userId, couponId],
    );
    await shop.run(
      `INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount)
       SELECT id, coupon_id, points_amount * 10 FROM orders WHERE order_no LIKE 'many%'`,
    );

    expect(await sweep(first)).toMatchObject({ cancelled: 301 });
    const sum = (300 * 301) / 2;
    expect(await shop.run('SELECT id, status, balance_amount FROM user_coupons')).toEqual([
      { id: couponId, status: 1, balance_amount: 1000 + sum * 10 },
    ]);
    expect(await shop.run('SELECT user_id, points FROM user_points')).toEqual([
      { user_id: userId, points: 50 + sum },
    ]);
    expect(
      await shop.run(
        `SELECT COUNT(*) AS ledger_rows, CAST(SUM(change_amount) AS SIGNED) AS amount
           FROM user_coupon_ledger WHERE action = 'timeout_refund'`,
      ),
    ).toEqual([{ ledger_rows: 301, amount: 1000 + sum * 10 }]);
    await expectAllBackOnce(shop);
  });
});
