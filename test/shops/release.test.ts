import { expect, it } from 'vitest';
import type { Shop } from '../support';
import { call, cancel, createTables, deployFile, sweep, ordersOf } from './example';

const SCHEMA = `
CREATE TABLE reservations (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    status INT NOT NULL DEFAULT 0,
    created_at DATETIME NOT NULL,
    KEY (status, created_at)
);
CREATE TABLE seats (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    reservation_id BIGINT NULL,
    KEY (reservation_id)
);
INSERT INTO seats VALUES (1, NULL), (2, NULL), (3, NULL);
`;

const SHOP_FILE = `${ordersOf('reservations')}
give_back:
  seat:
    held: {by: reservation_id}
    target: {table: seats, id: id}
    set: {reservation_id: null}
    journal: false
`;

async function cinema(): Promise<Shop> {
  const shop = await createTables(SCHEMA);
  await deployFile(shop, SHOP_FILE);
  return shop;
}

const seats = (shop: Shop) =>
  shop.run('SELECT id, reservation_id FROM seats WHERE reservation_id IS NOT NULL ORDER BY id');

it('a release without a journal is done as often as an order is cancelled, and leaves others alone', async () => {
  const shop = await cinema();
  await shop.run(
    `INSERT INTO reservations (id, user_id, status, created_at)
     VALUES (1, 7, 0, NOW() - INTERVAL 40 MINUTE), (2, 8, 1, NOW() - INTERVAL 40 MINUTE)`,
  );
  await shop.run(
    'UPDATE seats SET reservation_id = CASE id WHEN 1 THEN 1 WHEN 2 THEN 1 ELSE 2 END',
  );

  expect(await cancel(shop, 1)).toMatchObject({ outcome: 'cancelled' });
  expect(await seats(shop)).toEqual([{ id: 3, reservation_id: 2 }]);

  // Opened again by an admin, and seated again.
  await shop.run('UPDATE reservations SET status = 0 WHERE id = 1');
  await shop.run('UPDATE seats SET reservation_id = 1 WHERE id = 2');
  expect(await sweep(shop)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
  expect(await seats(shop)).toEqual([{ id: 3, reservation_id: 2 }]);
  expect(await shop.run('SELECT * FROM order_timeout_refund')).toEqual([]);
  expect(await call(shop, 'reconcile_orders', null)).toEqual([{ orders: 2, opened: 0, closed: 0 }]);
});
