import { describe, expect, test } from 'vitest';
import { type BuiltOrder, pendingOrder, type Shop, shopOfFile } from '../support';
import { call, expectAllBackOnce, sweep, violations } from '../procedures/calls';
import { failWhen } from '../procedures/obstacles';

// The same in a call for one order: test/procedures/settlement.test.ts.

const shop = shopOfFile();

/** All that a cancel writes: the shop's tables, then ours; and which rows are those of one order. */
const WRITES: [table: string, write: 'INSERT' | 'UPDATE', isOf: (order: BuiltOrder) => string][] = [
  ['user_coupons', 'UPDATE', ({ couponId }) => `NEW.id = ${couponId}`],
  ['user_coupon_ledger', 'INSERT', ({ couponId }) => `NEW.user_coupon_id = ${couponId}`],
  ['user_points', 'INSERT', ({ userId }) => `NEW.user_id = ${userId}`],
  ['user_points', 'UPDATE', ({ userId }) => `NEW.user_id = ${userId}`],
  ['user_points_ledger', 'INSERT', ({ userId }) => `NEW.user_id = ${userId}`],
  ['orders', 'UPDATE', ({ orderId }) => `NEW.id = ${orderId}`],
  ['order_timeout_refund', 'INSERT', ({ orderId }) => `NEW.order_id = ${orderId}`],
  ['order_timeout_cancellation', 'INSERT', ({ orderId }) => `NEW.order_id = ${orderId}`],
];

const DISK_FULL = 1114;
const FULL = `SQLSTATE 'HY000' SET MYSQL_ERRNO = ${DISK_FULL}, MESSAGE_TEXT = 'the table is full'`;

const FAILED = { outcome: 'failed', error_number: DISK_FULL };
const runs = () => shop.run('SELECT * FROM order_timeout_run');

/** Two orders of different users; the first has no points row yet. */
async function twoOrders(shop: Shop): Promise<[bad: BuiltOrder, good: BuiltOrder]> {
  const bad = await pendingOrder(shop, { coupon: 1000, points: 50, pointsLeft: null });
  return [bad, await pendingOrder(shop, { coupon: 300, points: 7 })];
}

describe('a full disk at a write of', () => {
  test.for([...WRITES, ['order_timeout_batch', 'INSERT'] as const])(
    '%s, %s: no order is done by half, none counts an attempt, and all is done once there is room',
    async ([table, write]) => {
      const orders = await twoOrders(shop);
      const db = await shop.connect();
      await failWhen(shop, table, write, 'TRUE', FULL);

      expect(await sweep(db)).toMatchObject({ outcome: 'completed' });
      expect(
        await shop.run('SELECT DISTINCT attempts, error_number FROM order_timeout_failure'),
      ).toEqual([{ attempts: 0, error_number: DISK_FULL }]);
      expect(await violations(shop.db)).toEqual([]);

      await shop.run('DROP TRIGGER ??', [`object_to_${table}`]);
      for (const { orderId } of orders) await call(db, 'retry_failed_order(?)', orderId);
      expect(await sweep(db)).toMatchObject({ outcome: 'completed', failed: 0 });
      await expectAllBackOnce(shop);
    },
  );

  test('the orders, which five in a row meet, ends the run, which says so', async () => {
    for (let n = 0; n < 7; n++) await pendingOrder(shop, { coupon: 100 });
    await failWhen(shop, 'orders', 'UPDATE', 'TRUE', FULL);

    await expect(sweep(shop.db)).rejects.toMatchObject({ errno: DISK_FULL });
    expect(await runs()).toMatchObject([{ ...FAILED, cancelled: 0, failed: 5 }]);
    expect(await shop.column('SELECT DISTINCT status FROM orders')).toEqual([1]);
  });

  test('the orders of one type, as by its trigger, keeps those of others from nobody, and ends the run all the same', async () => {
    for (let n = 0; n < 12; n++) await pendingOrder(shop, { coupon: 100 });
    const { orderId } = await pendingOrder(shop, { coupon: 100, sourceType: 2 });
    await failWhen(shop, 'orders', 'UPDATE', 'NEW.source_type = 1', FULL);

    await expect(sweep(shop.db)).rejects.toMatchObject({ errno: DISK_FULL });
    expect(await shop.column('SELECT id FROM orders WHERE status = 3')).toEqual([orderId]);
    expect(await runs()).toMatchObject([{ ...FAILED, cancelled: 1, failed: 5 }]);
    // No sign of life, but the next run need not clear away and look at the same once more.
    expect(
      await shop.run(
        'SELECT beat_at, purged_at IS NULL AS again, reconciled_order_id FROM order_timeout_heartbeat',
      ),
    ).toEqual([{ beat_at: null, again: 0, reconciled_order_id: expect.any(Number) as number }]);
  });

  test('a dozen older orders keeps the others of their type not for long', async () => {
    const bad = Array.from({ length: 12 }, () => pendingOrder(shop, { ageMinutes: 90 }));
    const ids = (await Promise.all(bad)).map(({ orderId }) => orderId);
    await pendingOrder(shop, { coupon: 100 });
    await failWhen(shop, 'orders', 'UPDATE', `NEW.id IN (${ids.join()})`, FULL);

    let runs = 0;
    const isDone = async () =>
      (await shop.run('SELECT id FROM orders WHERE status = 3')).length > 0;
    for (; runs < 16 && !(await isDone()); runs++) {
      await sweep(shop.db).catch(() => undefined);
      await shop.run(
        `UPDATE order_timeout_failure
            SET first_failed_at = first_failed_at - INTERVAL 61 SECOND, retry_at = retry_at - INTERVAL 61 SECOND`,
      );
    }
    expect(runs).toBeLessThan(16);
    expect(await shop.column('SELECT DISTINCT attempts FROM order_timeout_failure')).toEqual([0]);
  });

  test.for([
    ['order_timeout_run', 'INSERT'],
    ['order_timeout_run', 'UPDATE'],
    ['order_timeout_heartbeat', 'UPDATE'],
  ] as const)(
    '%s, %s: the sweep says so, leaves its session and its lock as they were, and all is done afterwards',
    async ([table, write]) => {
      await twoOrders(shop);
      const db = await shop.connect();
      await db.query(
        "SET time_zone = '-11:00', innodb_lock_wait_timeout = 33, lock_wait_timeout = 44, sql_safe_updates = 1",
      );
      await failWhen(shop, table, write, 'TRUE', FULL);

      await expect(sweep(db)).rejects.toMatchObject({ errno: DISK_FULL });
      const [session] = await db.query(
        'SELECT @@time_zone AS zone, @@innodb_lock_wait_timeout AS row_wait, @@lock_wait_timeout AS table_wait, @@sql_safe_updates AS safe',
      );
      expect(session).toEqual([{ zone: '-11:00', row_wait: 33, table_wait: 44, safe: 1 }]);
      expect(await violations(shop.db)).toEqual([]);

      await shop.run('DROP TRIGGER ??', [`object_to_${table}`]);
      expect(await sweep(await shop.connect())).toMatchObject({ outcome: 'completed' });
      await expectAllBackOnce(shop);
    },
  );
});

describe('an error that one order raises at a write of', () => {
  test.for(WRITES)(
    '%s, %s: the other order is cancelled, this one is recorded and done once the cause is gone',
    async ([table, write, isOf]) => {
      const [bad] = await twoOrders(shop);
      const db = await shop.connect();
      await failWhen(shop, table, write, isOf(bad));

      expect(await sweep(db)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 1 });
      expect(await shop.column('SELECT id FROM orders WHERE status = 1')).toEqual([bad.orderId]);
      expect(
        await shop.run(
          'SELECT order_id, attempts, error_number, error_state, error_message FROM order_timeout_failure',
        ),
      ).toEqual([
        {
          ...{ order_id: bad.orderId, attempts: 1, error_number: 1644 },
          ...{ error_state: '45000', error_message: 'the shop objects' },
        },
      ]);
      expect(await sweep(db)).toMatchObject({ run_id: null, outcome: 'completed' });

      await shop.run('DROP TRIGGER ??', [`object_to_${table}`]);
      await call(db, 'retry_failed_order(?)', bad.orderId);
      expect(await sweep(db)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
      await expectAllBackOnce(shop);
    },
  );

  test('its coupon, which also cannot be recorded: the run says failed, and all is done afterwards', async () => {
    await twoOrders(shop);
    const db = await shop.connect();
    await failWhen(shop, 'user_coupons', 'UPDATE');
    await failWhen(shop, 'order_timeout_failure', 'INSERT', 'TRUE', FULL);

    await expect(sweep(db)).rejects.toMatchObject({ errno: DISK_FULL });
    expect(await runs()).toMatchObject([FAILED]);

    await shop.run('DROP TRIGGER object_to_user_coupons');
    await shop.run('DROP TRIGGER object_to_order_timeout_failure');
    expect(await sweep(db)).toMatchObject({ outcome: 'completed', cancelled: 2 });
    await expectAllBackOnce(shop);
  });
});

test('an error of the look for what is due ends the run with it; afterwards all is done', async () => {
  await twoOrders(shop);
  await shop.run('RENAME TABLE order_timeout_hold TO hold_elsewhere');
  const failure = expect(sweep(shop.db)).rejects.toMatchObject({ errno: 1146 });
  await failure.finally(() => shop.run('RENAME TABLE hold_elsewhere TO order_timeout_hold'));

  expect(await runs()).toMatchObject([{ ...FAILED, error_number: 1146 }]);
  expect(await shop.column('SELECT DISTINCT status FROM orders')).toEqual([1]);
  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 2, failed: 0 });
});
