import { expect, test } from 'vitest';
import { pendingOrder, shopOfFile } from '../support';
import { call, cancelOrder, rowsOf, sweep } from './calls';

const shop = shopOfFile();

test('a second payment that is accepted, as the order was set pending again, is for a person to see', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  const accept = (reference: string) => call(shop.db, 'accept_payment(?, ?)', orderId, reference);
  const reopen = () => shop.run('UPDATE orders SET status = 1, paid_at = NULL');
  const listed = () => rowsOf(shop.db, 'list_findings(10)');
  await accept('A');
  await accept('A');
  expect(await listed()).toEqual([]);

  await reopen();
  expect(await accept('B')).toMatchObject({ outcome: 'accepted' });
  const [first] = await listed();
  expect(first).toMatchObject({ order_id: orderId, what: 'paid_elsewhere', detail: 'B' });
  await call(shop.db, "settle_finding(?, 'A was sent back')", first?.finding_id);
  expect(await accept('B')).toMatchObject({ outcome: 'already_accepted' });
  await call(shop.db, 'reconcile_orders(NULL)');
  expect(await listed()).toEqual([]);

  await reopen();
  expect(await accept('C')).toMatchObject({ outcome: 'accepted' });
  expect(await listed()).toMatchObject([{ what: 'paid_elsewhere', detail: 'C' }]);
});

test('an accepted payment of an order that got something back, and was set pending again, is for a person to see, however old it is', async () => {
  const order = await pendingOrder(shop, { coupon: 1000, ageMinutes: 60 * 24 * 8 });
  await cancelOrder(shop.db, order);
  await sweep(shop.db);
  await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');
  await call(shop.db, 'accept_payment(?, ?)', order.orderId, 'A');
  await sweep(shop.db);

  expect(await rowsOf(shop.db, 'list_findings(10)')).toMatchObject([
    { order_id: order.orderId, target_id: order.couponId, what: 'paid_after_refund', amount: 1000 },
  ]);
});
