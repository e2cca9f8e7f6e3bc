import { describe, expect, test } from 'vitest';
import { changesOf, createShop, pendingOrder, pointsLedgerRow, pointsRow } from '../support';
import { cancelExpiredOrder, cancelOrder, sweep } from './calls';
import { cancelled } from './cancelled';
import { shopOfFile } from './shop-of-file';

const freshShop = shopOfFile();

test('points go back to the user’s row, with one ledger row', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { points: 50, pointsLeft: 20 });

  const changed = await changesOf(shop, async () => {
    expect(await cancelExpiredOrder(shop.db, built)).toMatchObject({ points_refunded: 50 });
  });

  expect(changed).toEqual(cancelled({ order: built, points: { amount: 50, before: 20 } }));
});

test('of several rows the one with the lowest id gets them, whatever its end', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { points: 50, pointsLeft: 20 });
  await pointsRow(shop, { userId: built.userId, points: 900 });
  await shop.run('UPDATE user_points SET valid_end = NOW(3) ORDER BY id LIMIT 1');

  const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

  expect(changed).toEqual(cancelled({ order: built, points: { amount: 50, before: 20 } }));
});

test('a user without a row gets a new one, without an end', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { points: 50, pointsLeft: null });

  const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

  expect(changed).toEqual(cancelled({ order: built, points: { amount: 50, before: null } }));
});

test('several orders of one user without a row in one batch make one row', async () => {
  const shop = await freshShop();
  const userId = shop.nextId('user');
  const orders = [];
  for (const points of [50, 7, 200]) {
    orders.push(await pendingOrder(shop, { userId, points, pointsLeft: null }));
  }
  const [first, second, third] = orders as [
    (typeof orders)[0],
    (typeof orders)[0],
    (typeof orders)[0],
  ];

  const changed = await changesOf(shop, () => sweep(shop.db));

  const expected = cancelled([
    { order: first, points: { amount: 50, before: null } },
    { order: second, points: { amount: 7, before: null } },
    { order: third, points: { amount: 200, before: null } },
  ]);
  expect(changed).toEqual(expected);
  expect(changed.user_points).toEqual([{ user_id: userId, nth: 1, points: 257, has_valid_end: 0 }]);
});

test('a new row is made only when points come back', async () => {
  const shop = await freshShop();
  const none = await pendingOrder(shop, { points: 0, pointsLeft: null });
  const returned = await pendingOrder(shop, { points: 50, pointsLeft: null });
  await pointsLedgerRow(shop, { ...returned, points: 50, action: 'cancel_refund' });

  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(changed).toEqual(cancelled([{ order: none }, { order: returned }]));
});

test('a unique key on the user of user_points is no hindrance', async () => {
  const shop = await createShop({
    schema: (sql) =>
      sql.replace(/(CREATE TABLE user_points \([^;]*?)KEY idx_user/, '$1UNIQUE KEY uk_user'),
  });
  const userId = shop.nextId('user');
  const first = await pendingOrder(shop, { userId, points: 50, pointsLeft: null });
  const second = await pendingOrder(shop, { userId, points: 7, pointsLeft: null });

  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(changed).toEqual(
    cancelled([
      { order: first, points: { amount: 50, before: null } },
      { order: second, points: { amount: 7, before: null } },
    ]),
  );
});

test.each([0, -50])('an order that took %i points gets none back', async (points) => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { coupon: 1000 });
  await shop.run('UPDATE orders SET points_amount = ?', [points]);

  const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

  expect(changed).toEqual(cancelled({ order: built, coupons: [{ amount: 1000 }] }));
});

describe('points that came back earlier', () => {
  test.each(['cancel_refund', 'timeout_refund', 'goodwill'])(
    'are subtracted (%s)',
    async (action) => {
      const shop = await freshShop();
      const built = await pendingOrder(shop, { points: 50, pointsLeft: 30 });
      await pointsLedgerRow(shop, { ...built, points: 30, action });

      const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

      expect(changed).toEqual(cancelled({ order: built, points: { amount: 20, before: 30 } }));
    },
  );

  test('leave nothing below zero', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { points: 50 });
    for (const points of [30, 70]) {
      await pointsLedgerRow(shop, { ...built, points, action: 'cancel_refund' });
    }

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(cancelled({ order: built }));
  });

  test('count only for this order, and only by way of orders', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { points: 50 });
    await pointsLedgerRow(shop, {
      userId: built.userId,
      orderId: built.orderId + 1,
      points: 50,
      action: 'timeout_refund',
    });
    await shop.run(
      `INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id)
       VALUES (?, 'bonus', 50, 'lottery', ?)`,
      [built.userId, String(built.orderId)],
    );

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(cancelled({ order: built, points: 50 }));
  });

  test('an id that only begins alike is another order', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { orderId: 12, points: 50 });
    for (const orderId of [1, 123]) {
      await pointsLedgerRow(shop, { userId: built.userId, orderId, points: 9, action: 'x' });
    }

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(cancelled({ order: built, points: 50 }));
  });
});

test('a user’s cancel writes its own ledger action, and the remark it was given', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { points: 50, ageMinutes: 1 });

  const changed = await changesOf(shop, () =>
    cancelOrder(shop.db, built, built.userId, 'ordered twice'),
  );

  expect(changed).toEqual(
    cancelled({ order: built, cause: 'user', points: { amount: 50, remark: 'ordered twice' } }),
  );
  expect(changed.user_points_ledger).toMatchObject([{ action: 'cancel_refund' }]);
});

test('a cancel without a remark leaves a remark that says what it was', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { points: 50, ageMinutes: 1 });

  const changed = await changesOf(shop, () => cancelOrder(shop.db, built, null, null));

  expect(changed).toEqual(
    cancelled({ order: built, cause: 'admin', points: { amount: 50, remark: 'order_cancel' } }),
  );
});
