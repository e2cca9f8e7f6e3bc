import { describe, expect, test } from 'vitest';
import { cancelExpiredOrder } from '../../scripts';
import { lockWait, pendingOrder, shopOfFile } from '../support';
import { heavy } from '../procedures/obstacles';

// What becomes of the work in a transaction: test/procedures/transactions.test.ts, through the wrapper too.

const shop = shopOfFile();

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
