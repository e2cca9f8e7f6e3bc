import { expect, test } from 'vitest';
import { type FeedPlace, readCancellations } from '../../scripts';
import { createShop, pendingOrder, shopOfFile, unsignedIds } from '../support';
import { call, configure, sweep } from './calls';

const shop = shopOfFile();

test.each([500, 1, 2])(
  'an order with a negative id stops no other, in batches of %d',
  async (size) => {
    await configure(shop, { batch_size: size });
    await pendingOrder(shop, { coupon: 1000, ageMinutes: 60 });
    for (const orderId of [-5, -6, -7])
      await pendingOrder(shop, { orderId, coupon: 100, ageMinutes: 50 });
    await shop.run(
      'UPDATE orders SET created_at = (SELECT * FROM (SELECT MIN(created_at) FROM orders WHERE id < 0) AS first) WHERE id < 0',
    );
    await pendingOrder(shop, { coupon: 1000, sourceType: 2 });
    await pendingOrder(shop, {
      orderId: '9223372036854775807' as unknown as number,
      coupon: 10,
      sourceType: 2,
      ageMinutes: 40,
    });

    expect(await sweep(shop.db)).toMatchObject({
      outcome: 'completed',
      cancelled: 6,
      failed: 0,
      coupon_refunded: 2310,
    });

    // The feed can be read on behind each of them.
    const read = new Set<string>();
    let after: FeedPlace | 'beginning' = 'beginning';
    for (let n = 0; n < 6; n++) {
      const [row] = await readCancellations(shop.db, { after, limit: 1 });
      read.add(row?.orderId ?? 'none');
      after = row?.place ?? 'beginning';
    }
    expect(read.size).toBe(6);
  },
);

test('an order with an id that no BIGINT holds stops no other, and is none for the engine', async () => {
  const shop = await createShop({ schema: unsignedIds });
  for (const orderId of ['9223372036854775808', '18446744073709551615'])
    await pendingOrder(shop, { orderId: orderId as unknown as number });
  await pendingOrder(shop, { coupon: 1000 });

  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
  expect(await call(shop.db, 'reconcile_orders(NULL)')).toMatchObject({ orders: 1 });
  expect(await call(shop.db, 'order_timeout_numbers()')).toMatchObject({ due_orders: 0 });
});
