import { expect, test } from 'vitest';
import { changes, changesOf, createShop, isSession, pendingOrder, wholeState } from '.';

test('what a test sees is each new row, each changed field, and each row that is gone', () => {
  const row = { id: 1, status: 1, user_id: 5 };
  const before = { orders: [row, { ...row, id: 2 }], user_coupon_ledger: [{ action: 'x' }] };
  const after = {
    orders: [row, { ...row, id: 2, status: 3 }, { ...row, id: 3 }],
    user_coupon_ledger: [],
  };

  expect(changes(before, before)).toEqual({});
  expect(changes(before, after)).toEqual({
    orders: [
      { id: 2, status: [1, 3] },
      { ...row, id: 3 },
    ],
    user_coupon_ledger: [{ gone: { action: 'x' } }],
  });
});

test('it is of every table of the shop and of the journal, and of a shop without the engine its own', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop, { coupon: 1000, points: 50, pointsLeft: null });
  const changed = await changesOf(shop, () => shop.run('CALL cancel_expired_order(?)', [orderId]));

  const shopTables = ['orders', 'user_coupons', 'user_coupon_ledger', 'user_points'];
  const journal = ['order_timeout_batch', 'order_timeout_cancellation', 'order_timeout_refund'];
  expect(Object.keys(changed)).toEqual([...shopTables, 'user_points_ledger', ...journal]);
  const bare = await createShop({ deploy: false });
  expect(Object.keys(await wholeState(bare))).toEqual([...shopTables, 'user_points_ledger']);
});

test('a shop is dropped while one of its sessions runs a statement with an emoji', async () => {
  const shop = await createShop();
  const slow = await shop.connect();
  void slow.query("SELECT '🧾', SLEEP(60)");

  expect(await isSession(shop, slow.threadId)).toBe(true);
  await shop.drop();

  expect(await isSession(await createShop(), slow.threadId)).toBe(false);
});
