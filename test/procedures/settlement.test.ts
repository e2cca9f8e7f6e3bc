import type { Connection } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import {
  type BuiltOrder,
  changesOf,
  couponLedgerRow,
  lockWait,
  pendingOrder,
  type Shop,
} from '../support';
import { cancelExpiredOrder, errorOf, rowOf } from './calls';
import { holding } from './obstacles';
import { shopOfFile } from './shop-of-file';

// One statement has one view of the tables, made by its first plain read. So all locks come before it.

const freshShop = shopOfFile();

const CALLERS: Record<string, (shop: Shop) => Promise<Connection>> = {
  'of its own': (shop) => shop.connect(),
  'in a READ COMMITTED transaction': (shop) => begun(shop, 'READ COMMITTED'),
  'in a REPEATABLE READ transaction': (shop) => begun(shop, 'REPEATABLE READ'),
  'in a REPEATABLE READ transaction with an old snapshot': async (shop) => {
    const db = await begun(shop, 'REPEATABLE READ');
    await db.query('SELECT COUNT(*) FROM user_coupon_ledger');
    return db;
  },
};

async function begun(shop: Shop, level: string): Promise<Connection> {
  const db = await shop.connect();
  await db.query(`SET TRANSACTION ISOLATION LEVEL ${level}`);
  await db.query('START TRANSACTION');
  return db;
}

/** What a call for one order locks, in its order. */
const LOCKS: Record<string, (order: BuiltOrder) => [sql: string, values: unknown[]]> = {
  'the order': ({ orderId }) => ['SELECT * FROM orders WHERE id = ? FOR UPDATE', [orderId]],
  'the hold': ({ orderId }) => [
    'SELECT * FROM order_timeout_hold WHERE order_id = ? FOR UPDATE',
    [orderId],
  ],
  'the first coupon': ({ couponIds }) => [
    'SELECT * FROM user_coupons WHERE id = ? FOR UPDATE',
    [couponIds[0]],
  ],
  'the second coupon': ({ couponIds }) => [
    'SELECT * FROM user_coupons WHERE id = ? FOR UPDATE',
    [couponIds[1]],
  ],
  'the points row': ({ userId }) => [
    'SELECT * FROM user_points WHERE user_id = ? FOR UPDATE',
    [userId],
  ],
};

describe.each(Object.keys(CALLERS))('a call %s', (caller) => {
  test.each(Object.keys(LOCKS))(
    'that waits for %s gives 700 of 1000 when the shop returns 300 meanwhile',
    async (lock) => {
      const shop = await freshShop();
      const order = await pendingOrder(shop, {
        coupons: [{ amount: 1000 }, { amount: 200 }],
        points: 50,
      });
      await shop.run(
        `INSERT INTO order_timeout_hold (order_id, held_until, held_by, held_at)
         VALUES (?, NOW(3) - INTERVAL 1 MINUTE, 'test', NOW(3) - INTERVAL 5 MINUTE)`,
        [order.orderId],
      );
      const db = await CALLERS[caller]?.(shop);
      const holder = await holding(shop, LOCKS[lock]?.(order) ?? ['']);
      const answer = cancelExpiredOrder(db ?? shop.db, order);
      await lockWait(shop);
      await couponLedgerRow(shop, {
        userId: order.userId,
        couponId: order.couponId,
        orderId: order.orderId,
        change: 300,
        action: 'cancel_refund',
      });
      await holder.query('COMMIT');

      expect(await answer).toMatchObject({
        outcome: 'cancelled',
        coupon_refunded: 900,
        points_refunded: 50,
      });
      await db?.query('COMMIT');
      expect(
        await rowOf(shop, 'SELECT balance_amount FROM user_coupons WHERE id = ?', [order.couponId]),
      ).toEqual({ balance_amount: 700 });
    },
  );

  test('cancels an order that comes due while it waits, at the time after the wait', async () => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { coupon: 1000, ageMinutes: 30 - 1 / 60 });
    const db = await CALLERS[caller]?.(shop);
    const holder = await holding(shop, [
      'SELECT * FROM orders WHERE id = ? FOR UPDATE',
      [order.orderId],
    ]);
    const answer = cancelExpiredOrder(db ?? shop.db, order);
    await lockWait(shop);
    await shop.run('DO SLEEP(1.5)');
    const [released] = await shop.run<{ at: string }>('SELECT CAST(NOW(3) AS CHAR) AS at');
    await holder.query('COMMIT');

    expect(await answer).toMatchObject({ outcome: 'cancelled', coupon_refunded: 1000 });
    await db?.query('COMMIT');
    expect(
      await rowOf(shop, 'SELECT cancelled_at >= ? AS is_after FROM order_timeout_cancellation', [
        released?.at,
      ]),
    ).toEqual({ is_after: 1 });
  });
});

describe('an error of the shop’s trigger', () => {
  const WRITES = [
    ['order_timeout_refund', 'INSERT'],
    ['user_coupon_ledger', 'INSERT'],
    ['user_coupons', 'UPDATE'],
    ['user_points_ledger', 'INSERT'],
    ['user_points', 'UPDATE'],
    ['order_timeout_cancellation', 'INSERT'],
    ['orders', 'UPDATE'],
  ] as const;
  const ERRORS = [
    { sqlState: '02000', errno: 1329 },
    { sqlState: '45000', errno: 1644 },
    { sqlState: 'HY000', errno: 1205 },
    { sqlState: '42S02', errno: 1146 },
    { sqlState: '42000', errno: 1305 },
  ];
  const CALLERS_ROW = 'INSERT INTO user_coupons (id, user_id, balance_amount) VALUES (1, 1, 10)';

  test.for(WRITES.flatMap(([table, when]) => ERRORS.map((error) => ({ table, when, ...error }))))(
    '$sqlState $errno at $when of $table: exactly the call is undone, and the error passes on',
    async ({ table, when, sqlState, errno }) => {
      const shop = await freshShop();
      const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
      await shop.run(
        `CREATE TRIGGER fault BEFORE ${when} ON ${table} FOR EACH ROW
         SIGNAL SQLSTATE '${sqlState}' SET MYSQL_ERRNO = ${errno}, MESSAGE_TEXT = 'the shop says no'`,
      );
      const db = await shop.connect();

      const alone = await changesOf(shop, async () => {
        expect(await errorOf(cancelExpiredOrder(db, order))).toEqual(
          expect.objectContaining({ errno, message: 'the shop says no' }),
        );
        await db.query('START TRANSACTION');
        await db.query('ROLLBACK');
      });
      const joined = await changesOf(shop, async () => {
        await db.query('START TRANSACTION');
        await db.query(CALLERS_ROW);
        expect(await errorOf(cancelExpiredOrder(db, order))).toMatchObject({ errno });
        await db.query('COMMIT');
      });

      expect(alone).toEqual({});
      expect(joined).toEqual({ user_coupons: [expect.objectContaining({ id: 1 })] });
    },
  );
});
