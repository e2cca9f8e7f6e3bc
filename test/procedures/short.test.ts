import { expect, test } from 'vitest';
import { pendingOrder, pointsLedgerRow, shopOfFile } from '../support';
import { call, rowsOf, sweep } from './calls';

const shop = shopOfFile();
const listed = () => rowsOf(shop.db, 'list_findings(10)');

test('what came back is not said to be short when the order has another user since', async () => {
  await pendingOrder(shop, { coupon: 1000, points: 40 });
  await sweep(shop.db);
  await shop.run('UPDATE orders SET user_id = 777');
  await call(shop.db, 'reconcile_orders(NULL)');
  expect(await listed()).toEqual([]);
});

test('it is short when something of it is taken back, or more turns out to be due', async () => {
  const built = await pendingOrder(shop, { points: 40 });
  await pointsLedgerRow(shop, { ...built, points: 10, action: 'cancel_refund' });
  await sweep(shop.db);
  await pointsLedgerRow(shop, { ...built, points: -10, action: 'cancel_refund' });
  await call(shop.db, 'reconcile_orders(NULL)');
  expect(await listed()).toMatchObject([{ what: 'short', amount: 30, other_amount: 40 }]);

  await shop.run('UPDATE orders SET points_amount = 60');
  await call(shop.db, 'reconcile_orders(NULL)');
  expect(await listed()).toMatchObject([{ what: 'short', amount: 30, other_amount: 60 }]);
});
