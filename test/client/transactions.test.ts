import { describe, expect, test } from 'vitest';
import { cancelExpiredOrder } from '../../scripts';
import { changesOf, lockWait, pendingOrder, shopOfFile } from '../support';
import { heavy } from '../procedures/obstacles';

// What becomes of the work in a transaction is told by test/procedures/transactions.test.ts; here, that the wrapper changes nothing of it.

const shop = shopOfFile();

const TRANSACTIONS: Record<string, { begin: string; undo: string[] }> = {
  'START TRANSACTION': { begin: 'START TRANSACTION', undo: ['ROLLBACK'] },
  'autocommit off': { begin: 'SET autocommit = 0', undo: ['ROLLBACK'] },
  XA: { begin: "XA START 'cancel'", undo: ["XA END 'cancel'", "XA ROLLBACK 'cancel'"] },
};

test.for(Object.entries(TRANSACTIONS))(
  "inside the caller's transaction (%s) the call commits nothing, and ROLLBACK undoes it",
  async ([, { begin, undo }]) => {
    const { orderId } = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const connection = await shop.connect();
    await connection.query(begin);

    const changed = await changesOf(shop, async () => {
      await connection.query('UPDATE orders SET user_id = 1 WHERE id = ?', [orderId]);
      expect(await cancelExpiredOrder(connection, orderId)).toMatchObject({ outcome: 'cancelled' });
    });
    const after = await changesOf(shop, async () => {
      for (const sql of undo) await connection.query(sql);
    });

    expect([changed, after]).toEqual([{}, {}]);
  },
);

test('a connection without a transaction has committed when the call resolves, and has none after it', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  const connection = await shop.connect();

  const changed = await changesOf(shop, () => cancelExpiredOrder(connection, orderId));
  await connection.rollback();

  expect(changed.orders).toHaveLength(1);
  expect(await cancelExpiredOrder(shop.db, orderId)).toMatchObject({ outcome: 'not_pending' });
});

describe('a deadlock', () => {
  test.for(['a pool', 'a connection', 'a transaction'])('in %s', async (where) => {
    const { orderId, couponId } = await pendingOrder(shop, { coupon: 1000 });
    const mine = where === 'a pool' ? shop.db : await shop.connect();
    if (where === 'a transaction') await mine.query('START TRANSACTION');
    // They hold the coupon, the call holds the order and waits for the coupon, they want the order: the call loses.
    const theirs = await heavy(shop);
    await theirs.query('SELECT id FROM user_coupons WHERE id = ? FOR UPDATE', [couponId]);
    const call = cancelExpiredOrder(mine, orderId);
    call.catch(() => undefined);
    await lockWait(shop);
    await theirs.query('SELECT id FROM orders WHERE id = ? FOR UPDATE', [orderId]);
    await theirs.rollback();

    // In a transaction it is the caller's to repeat; else it was tried again.
    if (where === 'a transaction') await expect(call).rejects.toMatchObject({ errno: 1213 });
    else expect(await call).toMatchObject({ outcome: 'cancelled', couponRefunded: '1000' });
  });
});
