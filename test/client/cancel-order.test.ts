import { expect, test } from 'vitest';
import { cancelOrder, type CancelOrderOptions } from '../../scripts';
import { changesOf, createShop, pendingOrder } from '../support';

test('a user cancels an order of their own, however young it is', async () => {
  const shop = await createShop();
  const { orderId, userId } = await pendingOrder(shop, { coupon: 1000, points: 50, ageMinutes: 1 });

  const changed = await changesOf(shop, async () => {
    expect(
      await cancelOrder(shop.db, orderId, { by: { userId }, remark: "changed 'my' mind \\ 😀" }),
    ).toMatchObject({
      outcome: 'cancelled',
      couponRefunded: 1000n,
      pointsRefunded: 50n,
    });
  });

  expect(changed.order_timeout_cancellation).toMatchObject([{ order_id: orderId, cause: 'user' }]);
  expect(changed.user_points_ledger).toMatchObject([
    { action: 'cancel_refund', points: 50, remark: "changed 'my' mind \\ 😀" },
  ]);
});

test("another user's order is not theirs to cancel", async () => {
  const shop = await createShop();
  const { orderId, userId } = await pendingOrder(shop, { coupon: 1000 });

  const changed = await changesOf(shop, async () => {
    expect(await cancelOrder(shop.db, orderId, { by: { userId: userId + 1 } })).toMatchObject({
      outcome: 'not_owner',
      cancelledAt: null,
    });
  });

  expect(changed).toEqual({});
});

test("an admin cancels anybody's order", async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop, { sourceType: 3, coupon: 1000 });

  const changed = await changesOf(shop, () => cancelOrder(shop.db, orderId, { by: 'admin' }));

  expect(changed.orders).toEqual([{ id: orderId, status: [1, 3], has_cancelled_at: [0, 1] }]);
  expect(changed.order_timeout_cancellation).toMatchObject([{ cause: 'admin' }]);
  expect(changed.order_timeout_refund).toMatchObject([{ kind: 'coupon', amount: 1000 }]);
});

test('a user id that is missing by mistake never becomes an admin', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  const mistakes: unknown[] = [
    {},
    { by: undefined },
    { by: null },
    { by: 0 },
    { by: '' },
    { by: 'Admin' },
    { by: {} },
    ...[undefined, null, NaN, 0, -1, '', 'admin', {}].map((userId) => ({ by: { userId } })),
  ];

  const changed = await changesOf(shop, async () => {
    for (const options of mistakes) {
      await expect(
        cancelOrder(shop.db, orderId, options as CancelOrderOptions),
      ).rejects.toMatchObject({
        name: 'OrderTimeoutError',
      });
    }
  });

  expect(changed).toEqual({});
});

test('a remark that would be cut off is refused', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop);

  await expect(
    cancelOrder(shop.db, orderId, { by: 'admin', remark: 'x'.repeat(256) }),
  ).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  expect(
    await cancelOrder(shop.db, orderId, { by: 'admin', remark: '退'.repeat(255) }),
  ).toMatchObject({
    outcome: 'cancelled',
  });
});
