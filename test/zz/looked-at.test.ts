import { expect, test } from 'vitest';
import { order, shopOfFile } from '../support';
import { rowsOf, sweep } from '../procedures/calls';

const shop = shopOfFile();

test('orders are looked at also after one with a far id came, was looked at, and was deleted', async () => {
  await order(shop, { orderId: 900_000_000, status: 'paid', ageMinutes: 200 });
  await sweep(shop.db);
  await shop.run('DELETE FROM orders');
  await sweep(shop.db);
  const { orderId } = await order(shop, { status: 'cancelled', coupon: 1000, ageMinutes: 91 });
  await sweep(shop.db);

  expect(await rowsOf(shop.db, 'list_findings(10)')).toMatchObject([{ order_id: orderId }]);
});
