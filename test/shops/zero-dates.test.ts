import { expect, test } from 'vitest';
import { call, cancel, createTables, deployFile, findings, sweep, ordersOf } from './example';

const SCHEMA = `
SET sql_mode = '';
CREATE TABLE purchase (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    status INT NOT NULL DEFAULT 0,
    paid DATETIME DEFAULT '0000-00-00 00:00:00',
    created_at DATETIME NOT NULL
);
CREATE TABLE voucher (id BIGINT AUTO_INCREMENT PRIMARY KEY, purchase_id BIGINT NULL);
INSERT INTO purchase (user_id, created_at)
     VALUES (7, UTC_TIMESTAMP() - INTERVAL 1 HOUR), (7, UTC_TIMESTAMP() - INTERVAL 1 HOUR), (7, UTC_TIMESTAMP() - INTERVAL 1 HOUR);
INSERT INTO voucher (purchase_id) VALUES (1), (2), (3);
`;

const SHOP_FILE = `${ordersOf('purchase', 'paid_at: paid')}
give_back:
  voucher:
    held: {by: purchase_id}
    target: {table: voucher, id: id}
    set: {purchase_id: null}
`;

test.each(['NULL', 'NOT NULL'])(
  'a zero is no paid time, in a column that is %s',
  async (nullable) => {
    const shop = await createTables(SCHEMA.replace('paid DATETIME', `paid DATETIME ${nullable}`));
    await deployFile(shop, SHOP_FILE);
    await shop.run('UPDATE purchase SET paid = UTC_TIMESTAMP() WHERE id = 3');

    expect(await call(shop, 'preview_expired_orders', 5)).toMatchObject([
      { order_id: 1 },
      { order_id: 2 },
    ]);
    expect(await call(shop, 'order_deadlines', '[1, 2, 3]')).toMatchObject([
      { state: 'due' },
      { state: 'due' },
      { state: 'contradictory' },
    ]);
    expect(await cancel(shop, 1)).toMatchObject({ outcome: 'cancelled' });
    expect(await cancel(shop, 3)).toMatchObject({ outcome: 'contradictory' });
    expect(await sweep(shop)).toMatchObject({
      cancelled: 1,
      failed: 0,
      returned: { voucher: '1' },
    });
    await call(shop, 'reconcile_orders', null);
    expect(await findings(shop)).toEqual(['3: contradictory  0']);
  },
);
