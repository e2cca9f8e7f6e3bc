import { expect, test } from 'vitest';
import { changesOf, createShop, isSession, pendingOrder, wholeState } from '.';

test('what a test sees of a cancellation is every row that it changed, and no other', async () => {
  const shop = await createShop();
  const { orderId, userId, couponId } = await pendingOrder(shop, {
    coupon: 1000,
    couponStatus: 'used up',
    points: 50,
  });
  await pendingOrder(shop, { coupon: 700 });

  const changed = await changesOf(shop, () => shop.run('CALL cancel_expired_order(?)', [orderId]));

  expect(changed).toEqual({
    orders: [{ id: orderId, status: [1, 3], has_cancelled_at: [0, 1] }],
    user_coupons: [
      {
        id: couponId,
        status: [2, 1],
        balance_amount: [0, 1000],
        used_order_id: [orderId, null],
        has_used_at: [1, 0],
      },
    ],
    user_coupon_ledger: [
      {
        user_id: userId,
        user_coupon_id: couponId,
        change_amount: 1000,
        order_id: orderId,
        action: 'timeout_refund',
      },
    ],
    user_points: [{ user_id: userId, nth: 1, points: [0, 50] }],
    user_points_ledger: [
      {
        user_id: userId,
        action: 'timeout_refund',
        points: 50,
        ref_table: 'orders',
        ref_id: String(orderId),
        remark: 'order_timeout',
      },
    ],
    order_timeout_batch: [{ cause: 'timeout', remark: 'order_timeout' }],
    order_timeout_cancellation: [
      {
        order_id: orderId,
        user_id: userId,
        source_type: 1,
        cause: 'timeout',
      },
    ],
    order_timeout_refund: [
      {
        order_id: orderId,
        kind: 'coupon',
        target_id: couponId,
        user_id: userId,
        amount: 1000,
        taken: 1000,
        source: 'order_coupons',
        cause: 'timeout',
        keeps_state: 0,
      },
      {
        order_id: orderId,
        kind: 'points',
        target_id: 0,
        user_id: userId,
        amount: 50,
        taken: 50,
        source: 'orders',
        cause: 'timeout',
        keeps_state: 0,
      },
    ],
  });
});

test('nothing done is nothing changed', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop, { coupon: 1000, ageMinutes: 5 });

  expect(await changesOf(shop, () => shop.run('CALL cancel_expired_order(?)', [orderId]))).toEqual(
    {},
  );
});

test('a shop without the engine has its own tables only', async () => {
  const shop = await createShop({ deploy: false });
  await pendingOrder(shop, { points: 10, pointsLeft: null });

  expect(Object.keys(await wholeState(shop))).toEqual([
    'orders',
    'user_coupons',
    'user_coupon_ledger',
    'user_points',
    'user_points_ledger',
  ]);
});

test('a shop is dropped while one of its sessions runs a statement with an emoji', async () => {
  const shop = await createShop();
  const slow = await shop.connect();
  void slow.query("SELECT '🧾', SLEEP(60)");

  expect(await isSession(shop, slow.threadId)).toBe(true);
  await shop.drop();

  expect(await isSession(await createShop(), slow.threadId)).toBe(false);
});
