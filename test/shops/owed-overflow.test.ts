import { expect, test } from 'vitest';
import { call, createDeployed, findings, ordersOf, purchases, sweep } from './example';

const SCHEMA = `
${purchases()}
CREATE TABLE product (id BIGINT PRIMARY KEY, stock INT NOT NULL);
CREATE TABLE item (
    id BIGINT AUTO_INCREMENT PRIMARY KEY, purchase_id BIGINT NOT NULL, product_id BIGINT NOT NULL, quantity INT NOT NULL, KEY (purchase_id)
);
INSERT INTO product VALUES (5, 10);
INSERT INTO purchase (id, user_id, created_at) VALUES (1, 7, NOW()), (2, 7, NOW()), (3, 7, NOW());
INSERT INTO item (purchase_id, product_id, quantity) VALUES (1, 5, 2147483647), (2, 5, 2), (3, 5, 3);
`;
const FILE = `${ordersOf('purchase')}
give_back:
  stock:
    lines: {table: item, order: purchase_id, target: product_id, amount: quantity}
    target: {table: product, id: id}
    add: stock
    shared: true
`;

test('an amount that the row cannot hold keeps nobody else’s from it', async () => {
  const shop = await createDeployed(SCHEMA, FILE);
  for (const id of [2, 1, 3]) await call(shop, 'cancel_order_as_admin', id, null);
  expect(await sweep(shop)).toMatchObject({ outcome: 'completed' });

  expect(await shop.column('SELECT stock FROM product')).toEqual([15]);
  expect(await shop.run('SELECT order_id, amount FROM order_timeout_owed')).toEqual([
    { order_id: 1, amount: 2147483647 },
  ]);
  expect(await findings(shop)).toEqual(['1: not_given stock 5']);
  await shop.run('ALTER TABLE product MODIFY stock BIGINT NOT NULL');
  await sweep(shop);
  expect(await shop.column('SELECT stock FROM product')).toEqual([2147483662]);
  await sweep(shop);
  expect(await findings(shop)).toEqual([]);
  expect(await shop.run('SELECT * FROM order_timeout_violation')).toEqual([]);
});
