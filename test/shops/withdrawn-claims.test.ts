import { expect, test } from 'vitest';
import { call, createDeployed, findings, ordersOf, purchases, sweep } from './example';

test('a claim that leads to no row does not stand for one that is held and gets nothing', async () => {
  const shop = await createDeployed(
    `${purchases('card BIGINT NOT NULL DEFAULT 0, guest BIGINT NULL, points INT NOT NULL DEFAULT 0')}
     CREATE TABLE card (id BIGINT PRIMARY KEY, money INT NOT NULL DEFAULT 0, held_by BIGINT NULL);
     CREATE TABLE guest (id BIGINT PRIMARY KEY, points INT NOT NULL);
     INSERT INTO card (id, held_by) VALUES (5, 1);
     INSERT INTO purchase (id, card, points) VALUES (1, 5, 0), (2, 0, 10);`,
    `${ordersOf('purchase')}
give_back:
  gift:
    due: gift.sql
    reach: [{id: o.card}]
    target: {table: card, id: id}
    add: money
    free: target.held_by = o.id
    set: {held_by: null}
  points:
    order: {target: o.guest, amount: o.points}
    target: {table: guest, id: id}
    add: points
`,
    {
      'gift.sql': `SELECT o.id AS order_id, o.user_id, o.card AS target_id, o.card AS account_id, 0 AS taken, 0 AS returned, 'lines' AS source
                     FROM purchase AS o FORCE INDEX (PRIMARY) WHERE o.card > 0`,
    },
  );

  expect(await sweep(shop)).toMatchObject({ cancelled: 2, failed: 0 });
  expect(await shop.column('SELECT held_by FROM card')).toEqual([null]);
  expect(await findings(shop)).toEqual(['2: missing_target points 0']);
});

test('what is missing again, of a kind that is reached by its user, is a finding again with another amount', async () => {
  const shop = await createDeployed(
    `${purchases('used INT NOT NULL')}
     CREATE TABLE card (id BIGINT PRIMARY KEY, owner_id BIGINT NOT NULL, money INT NOT NULL DEFAULT 0, KEY (owner_id));
     INSERT INTO purchase (id, used, created_at) VALUES (1, 10, NOW() - INTERVAL 30 DAY);`,
    `${ordersOf('purchase')}
give_back:
  gift:
    due: gift.sql
    reach: [{by: {owner_id: o.user_id}}]
    target: {table: card, id: id}
    add: money
`,
    {
      'gift.sql': `SELECT o.id AS order_id, o.user_id, 0 AS target_id, card.id AS account_id, o.used AS taken, 0 AS returned, 'order' AS source
                     FROM purchase AS o FORCE INDEX (PRIMARY) LEFT JOIN card ON card.owner_id = o.user_id`,
    },
  );
  await sweep(shop);
  await call(shop, 'settle_finding', 1, 'in cash');
  expect(await findings(shop)).toEqual([]);

  await shop.run('UPDATE purchase SET status = 0, used = 20');
  await sweep(shop);
  expect(await call(shop, 'list_findings', 9)).toMatchObject([
    { what: 'missing_target', amount: 20 },
  ]);
});
