import { expect, test } from 'vitest';
import { cancelOrder } from '../../scripts';
import { changesOf, createShop, pendingOrder } from '../support';

test('a user cancels an order of their own, however young it is', async () => {
  const shop = await createShop();
  const { orderId, userId } = await pendingOrder(shop, { coupon: 1000, points: 50, ageMinutes: 1 });

  const changed = await changesOf(shop, async () => {
    expect(
      await cancelOrder(shop.db, orderId, { userId, remark: "changed 'my' mind \\ 😀" }),
    ).toMatchObject({
      outcome: 'cancelled',
      couponRefunded: '1000',
      pointsRefunded: '50',
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
    expect(await cancelOrder(shop.db, orderId, { userId: userId + 1 })).toMatchObject({
      outcome: 'not_owner',
      cancelledAt: null,
    });
  });

  expect(changed).toEqual({});
});

test('a user id that is missing by mistake never becomes an admin', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  const mistakes: unknown[] = [undefined, null, NaN, 0, -1, '', 'admin', {}];

  const changed = await changesOf(shop, async () => {
    for (const userId of mistakes) {
      await expect(
        cancelOrder(shop.db, orderId, { userId: userId as number }),
      ).rejects.toMatchObject({ code: 'INVALID_ID' });
    }
  });

  expect(changed).toEqual({});
});

test('a remark that would be cut off is refused', async () => {
  const shop = await createShop();
  const { orderId, userId } = await pendingOrder(shop);

  await expect(
    cancelOrder(shop.db, orderId, { userId, remark: 'x'.repeat(256) }),
  ).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  expect(await cancelOrder(shop.db, orderId, { userId, remark: '退'.repeat(255) })).toMatchObject({
    outcome: 'cancelled',
  });
});
