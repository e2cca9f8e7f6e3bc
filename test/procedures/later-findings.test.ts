import { expect, test } from 'vitest';
import { couponLedgerRow, createShop, pendingOrder, pointsLedgerRow, shopOfFile } from '../support';
import { call, cancelOrder, listed, reconcile, reopen, sweep } from './calls';

// What shows only later: of an order that was reopened, paid again, or of which something came back or went since.

const shop = shopOfFile();

/** By the shop's own code, which gives nothing back. */
const cancelByShop = () => shop.run('UPDATE orders SET status = 3, cancelled_at = NOW(3)');

test('a coupon taken anew for an order that was reopened, and lost by the shop’s own cancel, is a finding', async () => {
  const built = await pendingOrder(shop, { coupon: 1000 });
  await sweep(shop.db);
  await reopen(shop);
  await couponLedgerRow(shop, { ...built, change: -1000, action: 'reserve' });
  await reconcile(shop);
  expect((await listed(shop)).map(({ what }) => what)).toEqual(['pending_after_refund']);
  await cancelByShop();
  await reconcile(shop);
  expect(await listed(shop)).toMatchObject([
    { what: 'second_take', target_id: built.couponId, amount: 1000, other_amount: 2000 },
  ]);
});

test('points taken anew, too', async () => {
  const built = await pendingOrder(shop, { points: 50 });
  await sweep(shop.db);
  await reopen(shop);
  await pointsLedgerRow(shop, { ...built, points: -50, action: 'order_deduct' });
  await cancelByShop();
  await reconcile(shop);
  expect(await listed(shop)).toMatchObject([
    { what: 'second_take', amount: 50, other_amount: 100 },
  ]);
});

test('not when the shop’s own cancel gave back what it took anew, nor when it took nothing', async () => {
  const built = await pendingOrder(shop, { coupon: 1000, points: 50 });
  await sweep(shop.db);
  await reopen(shop);
  await couponLedgerRow(shop, { ...built, change: -1000, action: 'reserve' });
  await couponLedgerRow(shop, { ...built, change: 1000, action: 'cancel_refund' });
  await cancelByShop();
  await reconcile(shop);
  expect(await listed(shop)).toEqual([]);
});

test('what was settled once says nothing of a later take which no ledger row tells', async () => {
  await pendingOrder(shop, { coupon: 1000, couponIn: 'order_coupons' });
  await sweep(shop.db);
  for (const again of [1, 2]) {
    await reopen(shop);
    await sweep(shop.db);
    const found = await listed(shop);
    expect(found, `cancelled again, ${again}`).toMatchObject([
      { what: 'second_take', amount: 1000, other_amount: 0 },
    ]);
    await call(shop.db, 'settle_finding(?, NULL)', found[0]?.finding_id);
    await reconcile(shop);
    expect(await listed(shop)).toEqual([]);
  }
});

test('what came back is not said to be short when the order has another user since', async () => {
  await pendingOrder(shop, { coupon: 1000, points: 40 });
  await sweep(shop.db);
  await shop.run('UPDATE orders SET user_id = 777');
  await reconcile(shop);
  expect(await listed(shop)).toEqual([]);
});

test('it is short when something of it is taken back, or more turns out to be due', async () => {
  const built = await pendingOrder(shop, { points: 40 });
  await pointsLedgerRow(shop, { ...built, points: 10, action: 'cancel_refund' });
  await sweep(shop.db);
  await pointsLedgerRow(shop, { ...built, points: -10, action: 'cancel_refund' });
  await reconcile(shop);
  expect(await listed(shop)).toMatchObject([{ what: 'short', amount: 30, other_amount: 40 }]);

  await shop.run('UPDATE orders SET points_amount = 60');
  await reconcile(shop);
  expect(await listed(shop)).toMatchObject([{ what: 'short', amount: 30, other_amount: 60 }]);
});

test('a second payment that is accepted, as the order was set pending again, is for a person to see', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  const accept = (reference: string) => call(shop.db, 'accept_payment(?, ?)', orderId, reference);
  await accept('A');
  await accept('A');
  expect(await listed(shop)).toEqual([]);

  await reopen(shop);
  expect(await accept('B')).toMatchObject({ outcome: 'accepted' });
  const [first] = await listed(shop);
  expect(first).toMatchObject({ order_id: orderId, what: 'paid_elsewhere', detail: 'B' });
  await call(shop.db, "settle_finding(?, 'A was sent back')", first?.finding_id);
  expect(await accept('B')).toMatchObject({ outcome: 'already_accepted' });
  await reconcile(shop);
  expect(await listed(shop)).toEqual([]);

  await reopen(shop);
  expect(await accept('C')).toMatchObject({ outcome: 'accepted' });
  expect(await listed(shop)).toMatchObject([{ what: 'paid_elsewhere', detail: 'C' }]);
});

test('an accepted payment of an order that got something back, and was set pending again, is for a person to see, however old it is', async () => {
  const order = await pendingOrder(shop, { coupon: 1000, ageMinutes: 60 * 24 * 8 });
  await cancelOrder(shop.db, order);
  await sweep(shop.db);
  await reopen(shop);
  await call(shop.db, 'accept_payment(?, ?)', order.orderId, 'A');
  await sweep(shop.db);

  expect(await listed(shop)).toMatchObject([
    { order_id: order.orderId, target_id: order.couponId, what: 'paid_after_refund', amount: 1000 },
  ]);
});

test('what is missing again, and is another amount, is a finding again at once', async () => {
  await pendingOrder(shop, { coupon: 1000, ageMinutes: 60 * 24 * 30 });
  await shop.run('DELETE FROM user_coupons');
  await sweep(shop.db);
  await shop.run("UPDATE order_timeout_finding SET settled_at = NOW(), remark = 'in cash'");
  await reopen(shop);
  await shop.run('UPDATE order_coupons SET applied_amount = 1700');
  await shop.run('UPDATE user_coupon_ledger SET change_amount = -1700 WHERE change_amount < 0');

  await sweep(shop.db);
  expect(await listed(shop)).toContainEqual(
    expect.objectContaining({ what: 'missing_target', amount: 1700 }),
  );
});

test('a ledger row without an action is told like one that is not known, and can be listed', async () => {
  const shop = await createShop({
    schema: (sql) => sql.replaceAll('action VARCHAR(32) NOT NULL', 'action VARCHAR(32) NULL'),
  });
  const built = await pendingOrder(shop, { coupon: 1000, points: 50 });
  await shop.run(
    'INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action) VALUES (?, ?, 400, ?, NULL)',
    [built.userId, built.couponId, built.orderId],
  );
  await shop.run(
    "INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id) VALUES (?, NULL, 20, 'orders', ?)",
    [built.userId, built.orderId],
  );
  await reconcile(shop);
  expect(await listed(shop)).toMatchObject([
    { what: 'unknown_action', kind: 'coupon', amount: 1000, other_amount: 400, detail: '' },
    { what: 'unknown_action', kind: 'points', amount: 50, other_amount: 20, detail: '' },
  ]);

  await shop.run(
    "INSERT INTO order_timeout_ledger_action (kind, action, meaning) VALUES ('coupon', '', 'other'), ('points', '', 'other')",
  );
  await reconcile(shop);
  expect(await listed(shop)).toEqual([]);
  expect(await sweep(shop.db)).toMatchObject({ coupon_refunded: 1000, points_refunded: 50 });
});
