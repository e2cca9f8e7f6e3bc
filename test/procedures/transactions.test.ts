import type { Connection } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import { changesOf, lockWait, pendingOrder, type Shop } from '../support';
import { cancelExpiredOrder, cancelOrder, errorOf, sweep } from './calls';
import { cancelled } from './cancelled';
import { failWhen } from './obstacles';
import { shopOfFile } from './shop-of-file';

const freshShop = shopOfFile();

const OPEN: Record<string, (db: Connection) => Promise<unknown>> = {
  'START TRANSACTION': (db) => db.query('START TRANSACTION'),
  'autocommit = 0': (db) => db.query('SET autocommit = 0'),
};

async function inTransaction(shop: Shop, how = 'START TRANSACTION'): Promise<Connection> {
  const db = await shop.connect();
  await OPEN[how]?.(db);
  return db;
}

/** What the caller did before the call, of which nothing may be lost and nothing committed. */
const CALLERS_WORK = 'INSERT INTO user_coupons (id, user_id, balance_amount) VALUES (1, 1, 10)';
const CALLERS_ROW = {
  id: 1,
  user_id: 1,
  status: 1,
  balance_amount: 10,
  used_order_id: null,
  has_used_at: 0,
};

test('outside a transaction the call has committed when it answers', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const db = await shop.connect();

  const changed = await changesOf(shop, () => cancelExpiredOrder(db, order));

  expect(changed).toEqual(cancelled({ order, coupons: [{ amount: 1000 }], points: 50 }));
  expect(await changesOf(shop, () => db.query('ROLLBACK'))).toEqual({});
});

describe.each(Object.keys(OPEN))('inside the caller’s transaction (%s)', (how) => {
  test('nothing is committed by the call; COMMIT commits its work and the caller’s', async () => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const db = await inTransaction(shop, how);

    const early = await changesOf(shop, async () => {
      await db.query(CALLERS_WORK);
      expect(await cancelExpiredOrder(db, order)).toMatchObject({ outcome: 'cancelled' });
    });
    const late = await changesOf(shop, () => db.query('COMMIT'));

    expect(early).toEqual({});
    const { user_coupons = [], ...rest } = cancelled({
      order,
      coupons: [{ amount: 1000 }],
      points: 50,
    });
    expect(late).toEqual({ ...rest, user_coupons: [CALLERS_ROW, ...user_coupons] });
  });

  test('ROLLBACK undoes both', async () => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const db = await inTransaction(shop, how);

    const changed = await changesOf(shop, async () => {
      await db.query(CALLERS_WORK);
      await cancelOrder(db, order);
      await db.query('ROLLBACK');
    });

    expect(changed).toEqual({});
  });

  test('a verdict other than cancelled leaves the transaction and the caller’s work as they are', async () => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { ageMinutes: 1 });
    const db = await inTransaction(shop, how);

    const changed = await changesOf(shop, async () => {
      await db.query(CALLERS_WORK);
      expect(await cancelExpiredOrder(db, order)).toMatchObject({ outcome: 'not_expired' });
      expect(await cancelExpiredOrder(db, 4711)).toMatchObject({ outcome: 'not_found' });
      await db.query('ROLLBACK');
    });

    expect(changed).toEqual({});
  });

  test('a call that fails undoes exactly its own work, and passes its error on unchanged', async () => {
    const shop = await freshShop();
    const good = await pendingOrder(shop, { coupon: 700 });
    const bad = await pendingOrder(shop, { coupon: 1000, points: 50 });
    await failWhen(shop, 'orders', 'UPDATE', `NEW.id = ${bad.orderId}`, 'not this order');
    const db = await inTransaction(shop, how);

    const changed = await changesOf(shop, async () => {
      await db.query(CALLERS_WORK);
      await cancelExpiredOrder(db, good);
      expect(await errorOf(cancelExpiredOrder(db, bad))).toEqual({
        errno: 1644,
        sqlState: '45000',
        message: 'not this order',
      });
      await db.query('COMMIT');
    });

    const { user_coupons = [], ...rest } = cancelled({ order: good, coupons: [{ amount: 700 }] });
    expect(changed).toEqual({ ...rest, user_coupons: [CALLERS_ROW, ...user_coupons] });
  });

  test('a refused argument undoes nothing of the caller’s', async () => {
    const shop = await freshShop();
    const db = await inTransaction(shop, how);

    const changed = await changesOf(shop, async () => {
      await db.query(CALLERS_WORK);
      expect(await errorOf(cancelExpiredOrder(db, 0))).toMatchObject({ errno: 50001 });
      await db.query('COMMIT');
    });

    expect(changed).toEqual({ user_coupons: [CALLERS_ROW] });
  });

  test('the sweep refuses to run, and says why', async () => {
    const shop = await freshShop();
    await pendingOrder(shop, { coupon: 1000 });
    const db = await inTransaction(shop, how);

    const changed = await changesOf(shop, async () => {
      await db.query(CALLERS_WORK);
      expect(await errorOf(sweep(db))).toEqual({
        errno: 50002,
        sqlState: '45000',
        message: expect.stringContaining('COMMIT first') as string,
      });
      await db.query('COMMIT');
    });

    expect(changed).toEqual({ user_coupons: [CALLERS_ROW] });
  });
});

test('several calls join one transaction', async () => {
  const shop = await freshShop();
  const first = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const second = await pendingOrder(shop, { userId: first.userId, points: 7 });
  const db = await inTransaction(shop);

  const changed = await changesOf(shop, async () => {
    await cancelExpiredOrder(db, first);
    await cancelExpiredOrder(db, second);
    await db.query('COMMIT');
  });

  expect(changed).toEqual(
    cancelled(
      [
        { order: first, coupons: [{ amount: 1000 }], points: 50 },
        { order: second, points: 7 },
      ],
      2,
    ),
  );
});

test('what the caller took in the same transaction comes back', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupons: [{ amount: 0, in: 'nowhere' }] });
  const db = await inTransaction(shop);

  const changed = await changesOf(shop, async () => {
    await db.query(
      'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, ?, 1000)',
      [order.orderId, order.couponId],
    );
    await cancelExpiredOrder(db, order);
    await db.query('COMMIT');
  });

  expect(changed).toEqual(cancelled({ order, coupons: [{ amount: 1000 }] }));
});

describe('a caller’s snapshot that is older than', () => {
  /** A transaction with a snapshot of its own, made before what the test does next. */
  async function withSnapshot(shop: Shop): Promise<Connection> {
    const db = await shop.connect();
    await db.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await db.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
    return db;
  }

  const pointsOf = (shop: Shop, { userId }: { userId: number }) =>
    shop.run('SELECT points FROM user_points WHERE user_id = ?', [userId]);

  test('the end of the user’s points row loses no points: a new row gets them', async () => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { points: 50, pointsLeft: 20 });
    const db = await withSnapshot(shop);
    await shop.run('DELETE FROM user_points WHERE user_id = ?', [order.userId]);

    expect(await cancelExpiredOrder(db, order)).toMatchObject({ points_refunded: 50 });
    await db.query('COMMIT');

    expect(await pointsOf(shop, order)).toEqual([{ points: 50 }]);
  });

  test('an order of a user without a row loses no points either', async () => {
    const shop = await freshShop();
    const db = await withSnapshot(shop);
    const order = await pendingOrder(shop, { points: 50, pointsLeft: null });

    expect(await cancelExpiredOrder(db, order)).toMatchObject({ points_refunded: 50 });
    await db.query('COMMIT');

    expect(await pointsOf(shop, order)).toEqual([{ points: 50 }]);
  });
});

test('inside an XA transaction the call joins, and XA ROLLBACK undoes it', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000 });
  const db = await shop.connect();
  const xid = `'${shop.name}'`;

  const changed = await changesOf(shop, async () => {
    await db.query(`XA START ${xid}`);
    expect(await cancelExpiredOrder(db, order)).toMatchObject({ outcome: 'cancelled' });
    await db.query(`XA END ${xid}`);
    await db.query(`XA ROLLBACK ${xid}`);
  });

  expect(changed).toEqual({});
});

describe('a deadlock with the call as the victim', () => {
  /** Weighs more than the call's transaction, so that InnoDB makes the call the victim. */
  async function weighty(shop: Shop): Promise<Connection> {
    const db = await shop.connect();
    await db.query('START TRANSACTION');
    await db.query(
      `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, action)
       WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 500)
       SELECT 1, 1, 0, 'weight' FROM n`,
    );
    return db;
  }

  async function deadlock(shop: Shop, db: Connection) {
    const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const other = await weighty(shop);
    await other.query('SELECT * FROM user_coupons WHERE id = ? FOR UPDATE', [order.couponId]);
    const call = errorOf(cancelExpiredOrder(db, order));
    await lockWait(shop);
    await other.query('SELECT * FROM orders WHERE id = ? FOR UPDATE', [order.orderId]);
    const error = await call;
    await other.query('ROLLBACK');
    return { order, error };
  }

  test('passes 1213 on, leaves nothing, and calling again is right', async () => {
    const shop = await freshShop();
    const db = await shop.connect();

    const { order, error } = await deadlock(shop, db);

    expect(error).toMatchObject({ errno: 1213, sqlState: '40001' });
    const changed = await changesOf(shop, () => cancelExpiredOrder(db, order));
    expect(changed).toEqual(cancelled({ order, coupons: [{ amount: 1000 }], points: 50 }));
  });

  test('in the caller’s transaction has undone all of it: nothing later commits by itself', async () => {
    const shop = await freshShop();
    const db = await inTransaction(shop);
    await db.query(CALLERS_WORK);

    const { order, error } = await deadlock(shop, db);

    expect(error).toMatchObject({ errno: 1213, sqlState: '40001' });
    expect(await changesOf(shop, () => db.query('COMMIT'))).toEqual({});
    expect(await shop.run('SELECT * FROM user_coupons WHERE id = 1')).toEqual([]);
    const changed = await changesOf(shop, () => cancelExpiredOrder(db, order));
    expect(changed).toEqual(cancelled({ order, coupons: [{ amount: 1000 }], points: 50 }));
  });
});
