import { expect, test } from 'vitest';
import type { Shop } from '../support';
import { call, createTables, deployFile, findings, sweep } from './example';

const SCHEMA = `
CREATE TABLE purchase (
    id BIGINT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    status INT NOT NULL DEFAULT 0,
    card_id BIGINT NULL,
    created_at DATETIME NOT NULL
);
CREATE TABLE card (id BIGINT PRIMARY KEY, cents INT NOT NULL);
CREATE TABLE movement (id BIGINT AUTO_INCREMENT PRIMARY KEY, card_id BIGINT NOT NULL, purchase_id BIGINT NOT NULL, cents INT NULL, KEY (purchase_id));
INSERT INTO card VALUES (1, 0), (2, 0);
`;

const SHOP_FILE = `
orders:
  table: purchase
  id: id
  user: user_id
  created: created_at
  status: {column: status, pending: 0, paid: 1, cancelled: 2}
give_back:
  gift_card:
    due: gift_card.sql
    reads:
      movement: {integers: [card_id, purchase_id, cents], index: [purchase_id]}
    reach:
      - {id: o.card_id}
    target: {table: card, id: id}
    add: cents
`;

/** What was taken is NULL where no movement says it. */
const VIEW = `
SELECT o.id AS order_id, o.user_id, o.card_id AS target_id, o.card_id AS account_id, moved.taken, moved.returned, 'ledger' AS source
  FROM purchase AS o
  JOIN LATERAL (SELECT -SUM(IF(cents < 0, cents, 0)) AS taken, SUM(IF(cents > 0, cents, 0)) AS returned
                  FROM movement WHERE purchase_id = o.id) AS moved
 WHERE o.card_id > 0
`;

/** Order 1 took 500, of which 200 came back; order 2 has no movement; order 3 names a card that is gone. */
async function giftShop(): Promise<Shop> {
  const shop = await createTables(SCHEMA);
  await deployFile(shop, SHOP_FILE, { 'gift_card.sql': VIEW });
  await shop.run(
    `INSERT INTO purchase (id, user_id, card_id, created_at)
     VALUES (1, 7, 1, NOW() - INTERVAL 1 HOUR), (2, 7, 2, NOW() - INTERVAL 1 HOUR), (3, 7, 9, NOW() - INTERVAL 1 HOUR)`,
  );
  await shop.run(
    'INSERT INTO movement (card_id, purchase_id, cents) VALUES (1, 1, -500), (1, 1, 200), (9, 3, -70)',
  );
  return shop;
}

test('a due view of the shop’s own says what comes back, and a NULL of it is nothing', async () => {
  const shop = await giftShop();

  expect(await call(shop, 'preview_expired_orders', 10)).toMatchObject([
    { order_id: 1, returned: { gift_card: '300' } },
    { order_id: 2, returned: { gift_card: '0' } },
    { order_id: 3, returned: { gift_card: '0' } },
  ]);
  expect(await sweep(shop)).toMatchObject({
    cancelled: 3,
    failed: 0,
    returned: { gift_card: '300' },
  });
  expect(await shop.run('SELECT id, cents FROM card')).toEqual([
    { id: 1, cents: 300 },
    { id: 2, cents: 0 },
  ]);
  await call(shop, 'reconcile_orders', null);
  expect(await findings(shop)).toEqual(['3: missing_target gift_card 9']);
  expect(await call(shop, 'order_money', 2)).toMatchObject([{ taken: 0, returned: 0, missing: 0 }]);
});
