import type { Connection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { cancelExpiredOrder } from '../../scripts';
import { changesOf, createShop, lockWait, pendingOrder, type Shop } from '../support';

const OPEN: Record<string, (connection: Connection) => Promise<unknown>> = {
  'START TRANSACTION': (connection) => connection.beginTransaction(),
  'autocommit off': (connection) => connection.query('SET autocommit = 0'),
};

test.each(Object.keys(OPEN))(
  "inside the caller's transaction (%s) a ROLLBACK undoes the call too",
  async (how) => {
    const { shop, connection, orderId } = await openTransaction(how);

    const changed = await changesOf(shop, async () => {
      await connection.query('UPDATE orders SET remark = ? WHERE id = ?', ['mine', orderId]);
      expect(await cancelExpiredOrder(connection, orderId)).toMatchObject({ outcome: 'cancelled' });
      await connection.rollback();
    });

    expect(changed).toEqual({});
    expect(await shop.run('SELECT remark FROM orders WHERE id = ?', [orderId])).toEqual([
      { remark: '' },
    ]);
  },
);

test.each(Object.keys(OPEN))(
  "inside the caller's transaction (%s) nothing is there before COMMIT",
  async (how) => {
    const { shop, connection, orderId } = await openTransaction(how);

    const early = await changesOf(shop, () => cancelExpiredOrder(connection, orderId));
    const late = await changesOf(shop, () => connection.commit());

    expect(early).toEqual({});
    expect(late.orders).toEqual([{ id: orderId, status: [1, 3], has_cancelled_at: [0, 1] }]);
  },
);

test('a connection without a transaction has committed when the call resolves, and has none after it', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  const connection = await shop.connect();

  const changed = await changesOf(shop, () => cancelExpiredOrder(connection, orderId));
  await connection.rollback();

  expect(changed.orders).toHaveLength(1);
  expect(await cancelExpiredOrder(shop.db, orderId)).toMatchObject({ outcome: 'not_pending' });
});

test("a deadlock inside the caller's transaction is the caller's to repeat", async () => {
  const shop = await createShop();
  const { orderId, couponId } = await pendingOrder(shop, { coupon: 1000 });
  const [mine, theirs] = [await shop.connect(), await shop.connect()];
  await mine.beginTransaction();

  const { call } = await deadlock(shop, theirs, { orderId, couponId }, () =>
    cancelExpiredOrder(mine, orderId),
  );

  await expect(call).rejects.toMatchObject({ errno: 1213 });
  await theirs.rollback();
});

test('a deadlock on a pool is tried again', async () => {
  const shop = await createShop();
  const { orderId, couponId } = await pendingOrder(shop, { coupon: 1000 });
  const theirs = await shop.connect();

  const { call } = await deadlock(shop, theirs, { orderId, couponId }, () =>
    cancelExpiredOrder(shop.db, orderId),
  );
  await theirs.rollback();

  expect(await call).toMatchObject({ outcome: 'cancelled', couponRefunded: '1000' });
});

test('a deadlock on a connection without a transaction is tried again', async () => {
  const shop = await createShop();
  const { orderId, couponId } = await pendingOrder(shop, { coupon: 1000 });
  const [mine, theirs] = [await shop.connect(), await shop.connect()];

  const { call } = await deadlock(shop, theirs, { orderId, couponId }, () =>
    cancelExpiredOrder(mine, orderId),
  );
  await theirs.rollback();

  expect(await call).toMatchObject({ outcome: 'cancelled', couponRefunded: '1000' });
});

async function openTransaction(how: string) {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const connection = await shop.connect();
  await OPEN[how]?.(connection);
  return { shop, connection, orderId };
}

/** They hold the coupon, the call holds the order and waits for the coupon, they want the order: the call loses. */
async function deadlock<Result>(
  shop: Shop,
  theirs: Connection,
  { orderId, couponId }: { orderId: number; couponId: number },
  start: () => Promise<Result>,
): Promise<{ call: Promise<Result> }> {
  await theirs.beginTransaction();
  await theirs.query('SELECT id FROM user_coupons WHERE id = ? FOR UPDATE', [couponId]);
  // Who has changed more rows wins.
  await theirs.query(
    `INSERT INTO user_points_ledger (user_id, action, points)
     WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100)
     SELECT n, 'x', 0 FROM n`,
  );

  const call = start();
  call.catch(() => undefined);
  await lockWait(shop);
  await theirs.query('SELECT id FROM orders WHERE id = ? FOR UPDATE', [orderId]);
  return { call };
}
