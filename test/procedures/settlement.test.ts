import type { Connection } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import {
  type BuiltOrder,
  changesOf,
  couponLedgerRow,
  lockWait,
  pendingOrder,
  type Shop,
  shopOfFile,
} from '../support';
import { cancelExpiredOrder, errorOf, hold, rowOf } from './calls';
import { failWhen, holding } from './obstacles';

// One statement has one view of the tables, made by its first plain read. So all locks come before it.

const shop = shopOfFile();

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
const LOCKS: Record<string, (order: BuiltOrder) => [table: string, column: string, id: unknown]> = {
  'the order': ({ orderId }) => ['orders', 'id', orderId],
  'the hold': ({ orderId }) => ['order_timeout_hold', 'order_id', orderId],
  'the first coupon': ({ couponIds }) => ['user_coupons', 'id', couponIds[0]],
  'the second coupon': ({ couponIds }) => ['user_coupons', 'id', couponIds[1]],
  'the points row': ({ userId }) => ['user_points', 'user_id', userId],
};

describe.for(Object.entries(CALLERS))('a call %s', ([, connect]) => {
  test.for(Object.entries(LOCKS))(
    'that waits for %s gives 700 of 1000 when the shop returns 300 meanwhile',
    async ([, lock]) => {
      const coupons = [{ amount: 1000 }, { amount: 200 }];
      const order = await pendingOrder(shop, { coupons, points: 50 });
      await hold(shop, order, -1);
      const db = await connect(shop);
      const holder = await holding(shop, 'SELECT * FROM ?? WHERE ?? = ? FOR UPDATE', lock(order));
      const answer = cancelExpiredOrder(db, order);
      await lockWait(shop);
      await couponLedgerRow(shop, { ...order, change: 300, action: 'cancel_refund' });
      await holder.query('COMMIT');

      const given = { outcome: 'cancelled', coupon_refunded: 900, points_refunded: 50 };
      expect(await answer).toMatchObject(given);
      await db.query('COMMIT');
      expect(
        await shop.column('SELECT balance_amount FROM user_coupons WHERE id = ?', [order.couponId]),
      ).toEqual([700]);
    },
  );

  test('cancels an order that comes due while it waits, at the time after the wait', async () => {
    const order = await pendingOrder(shop, { coupon: 1000, ageMinutes: 30 - 1 / 60 });
    const db = await connect(shop);
    const holder = await holding(shop, 'SELECT * FROM orders FOR UPDATE');
    const answer = cancelExpiredOrder(db, order);
    await lockWait(shop);
    await shop.run('DO SLEEP(1.5)');
    const { at } = await rowOf(shop, 'SELECT CAST(NOW(3) AS CHAR) AS at');
    await holder.query('COMMIT');

    expect(await answer).toMatchObject({ outcome: 'cancelled', coupon_refunded: 1000 });
    await db.query('COMMIT');
    const sql = 'SELECT cancelled_at >= ? AS is_after FROM order_timeout_cancellation';
    expect(await shop.column(sql, [at])).toEqual([1]);
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
    ['02000', 1329],
    ['45000', 1644],
    ['HY000', 1205],
    ['HY000', 1114],
    ['42S02', 1146],
    ['42000', 1305],
  ] as const;
  /** Of the caller; the trigger lets it be. */
  const CALLERS_ROW = 'INSERT INTO user_coupons (id, user_id, balance_amount) VALUES (1, 1, 10)';

  test.for(
    WRITES.flatMap(([table, when]) => ERRORS.map((error) => [...error, when, table] as const)),
  )(
    '%s %i at %s of %s: exactly the call is undone, and the error passes on',
    async ([state, errno, when, table]) => {
      const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
      const signal = `SQLSTATE '${state}' SET MYSQL_ERRNO = ${errno}, MESSAGE_TEXT = 'the shop says no'`;
      await failWhen(shop, table, when, 'TRUE', signal);
      const db = await shop.connect();

      const alone = await changesOf(shop, async () => {
        const error = { errno, message: 'the shop says no' };
        expect(await errorOf(cancelExpiredOrder(db, order))).toMatchObject(error);
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
