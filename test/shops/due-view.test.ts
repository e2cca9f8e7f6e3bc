import { describe, expect, test } from 'vitest';
import { holding } from '../procedures/obstacles';
import { closeGate, type Shop } from '../support';
import { call, cancel, createDeployed, deployFile, findings } from './example';
import { findingsOfAll, ordersOf, purchases, sweep } from './example';

/** Order 1 took 500, of which 200 came back; order 2 has no movement; order 3 names a card that is gone. */
const CARDS = `
${purchases('card_id BIGINT NULL')}
CREATE TABLE card (id BIGINT PRIMARY KEY, cents INT NOT NULL, owner_id BIGINT NULL, held_by BIGINT NULL, KEY (owner_id));
CREATE TABLE movement (id BIGINT AUTO_INCREMENT PRIMARY KEY, card_id BIGINT NOT NULL, purchase_id BIGINT NOT NULL, cents INT NULL, KEY (purchase_id));
INSERT INTO card (id, cents) VALUES (1, 0), (2, 0);
INSERT INTO purchase (id, card_id) VALUES (1, 1), (2, 2), (3, 9);
INSERT INTO movement (card_id, purchase_id, cents) VALUES (1, 1, -500), (1, 1, 200), (9, 3, -70);
`;

/** Further ways to reach a card, and further keys. */
const cardFile = (reach = '', keys = '') => `${ordersOf('purchase')}
give_back:
  gift_card:
    due: gift_card.sql
    reads:
      movement: {integers: [card_id, purchase_id, cents], index: [purchase_id]}
    reach: [{id: o.card_id}${reach}]
    target: {table: card, id: id}
    add: cents
    ${keys}
`;

test('a due view of the shop’s own says what comes back, and a NULL of it is nothing', async () => {
  // What was taken is NULL where no movement says it.
  const shop = await createDeployed(CARDS, cardFile(), {
    'gift_card.sql': `
SELECT o.id AS order_id, o.user_id, o.card_id AS target_id, o.card_id AS account_id, moved.taken, moved.returned, 'ledger' AS source
  FROM purchase AS o
  JOIN LATERAL (SELECT -SUM(IF(cents < 0, cents, 0)) AS taken, SUM(IF(cents > 0, cents, 0)) AS returned
                  FROM movement WHERE purchase_id = o.id) AS moved
 WHERE o.card_id > 0`,
  });

  expect(await call(shop, 'preview_expired_orders', 10)).toMatchObject([
    { order_id: 1, returned: { gift_card: '300' } },
    { order_id: 2, returned: { gift_card: '0' } },
    { order_id: 3, returned: { gift_card: '0' } },
  ]);
  expect(await sweep(shop)).toMatchObject({
    ...{ cancelled: 3, failed: 0 },
    returned: { gift_card: '300' },
  });
  expect(await shop.column('SELECT cents FROM card ORDER BY id')).toEqual([300, 0]);
  expect(await findingsOfAll(shop)).toEqual(['3: missing_target gift_card 9']);
  // What came back before counts too.
  expect(await call(shop, 'order_money', 1)).toMatchObject([{ taken: 500, returned: 500 }]);
  expect(await call(shop, 'order_money', 2)).toMatchObject([{ taken: 0, returned: 0, missing: 0 }]);
});

describe('a kind whose rows are reached both by their id and by the user', () => {
  /** An order gets 100 back on the card of its user; the card that it names is held for it, and gets nothing. */
  async function twoWays(): Promise<Shop> {
    const free = 'free: target.held_by = o.id\n    set: {held_by: null}';
    const shop = await createDeployed(CARDS, cardFile(', {by: {owner_id: o.user_id}}', free), {
      'gift_card.sql': `
SELECT o.id AS order_id, o.user_id, owned.id AS target_id, owned.id AS account_id, 100 AS taken, 0 AS returned, 'order' AS source
  FROM purchase AS o
  JOIN card AS owned ON owned.owner_id = o.user_id`,
    });
    await shop.run('UPDATE card SET owner_id = 7 WHERE id = 1');
    await shop.run('DELETE FROM purchase WHERE id <> 2');
    return shop;
  }
  const BY = { 'a call': (shop: Shop) => cancel(shop, 2), 'the sweep': sweep };

  test.each(Object.entries(BY))(
    'by %s: what is held and gets nothing is set free',
    async (_, by) => {
      const shop = await twoWays();
      await shop.run('UPDATE card SET held_by = 2 WHERE id = 2');

      expect(await by(shop)).toMatchObject({ returned: { gift_card: '100' } });
      expect(await shop.run('SELECT id, cents, held_by FROM card')).toEqual([
        { id: 1, cents: 100, held_by: null },
        { id: 2, cents: 0, held_by: null },
      ]);
    },
  );

  test.each(Object.entries(BY))('by %s: that the order was paid is told at once', async (_, by) => {
    const shop = await twoWays();
    await shop.run('UPDATE purchase SET card_id = NULL');
    await call(shop, 'accept_payment', 2, 'pi_1');
    await shop.run('UPDATE purchase SET status = 0');

    expect(await by(shop)).toMatchObject({ returned: { gift_card: '100' } });
    expect(await findings(shop)).toContainEqual(
      expect.stringMatching(/^2: cancelled_after_payment/),
    );
  });
});

/** Two orders, of the cards 9 and 3, both of the pot 70. */
const POTS = `
${purchases()}
CREATE TABLE pot (id BIGINT PRIMARY KEY, cents INT UNSIGNED NOT NULL, dead INT NOT NULL DEFAULT 0, state INT NOT NULL DEFAULT 9);
CREATE TABLE share (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    purchase_id BIGINT NOT NULL,
    card_id BIGINT NOT NULL,
    pot_id BIGINT NOT NULL,
    taken INT NOT NULL,
    returned INT NOT NULL DEFAULT 0,
    KEY (purchase_id)
);
INSERT INTO pot (id, cents) VALUES (70, 5);
INSERT INTO purchase (id) VALUES (1), (2);
INSERT INTO share (purchase_id, card_id, pot_id, taken) VALUES (1, 9, 70, 100), (2, 3, 70, 50);
`;

/** What came from a card goes to the pot that many cards have in common. */
const potFile = (...keys: string[]) => `${ordersOf('purchase')}
give_back:
  gift:
    due: gift.sql
    reads:
      share: {integers: [card_id, purchase_id, pot_id, taken, returned], index: [purchase_id]}
    reach:
      - {lines: {table: share, order: purchase_id, target: pot_id}}
    target: {table: pot, id: id}
    ${keys.join('\n    ')}
`;

const SHARES = `
SELECT o.id AS order_id, o.user_id, share.card_id AS target_id, share.pot_id AS account_id, share.taken, share.returned, 'ledger' AS source
  FROM purchase AS o
  JOIN share ON share.purchase_id = o.id
`;

const potShop = (file: string, view = SHARES) => createDeployed(POTS, file, { 'gift.sql': view });

const ADDED = potFile('add: cents');
const ADDED_SHARED = potFile('add: cents', 'shared: true');
const FLOOR_SHARED = potFile('subtract: cents', 'floor: 0', 'shared: true');

const pot = (shop: Shop) => shop.column('SELECT cents FROM pot');
const owed = (shop: Shop) => shop.run('SELECT * FROM order_timeout_owed');
const refuse = (shop: Shop) =>
  shop.run(
    "CREATE TRIGGER object BEFORE UPDATE ON pot FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'",
  );

describe('rows that are not what was taken from', () => {
  test.each([
    ['given at once', potFile('subtract: cents', 'floor: 0')],
    ['shared', FLOOR_SHARED],
  ])(
    'below their floor are a finding of the first order and its own target: %s',
    async (_, file) => {
      const shop = await potShop(file);

      await sweep(shop);

      expect(await pot(shop)).toEqual([0]);
      expect(await call(shop, 'list_findings', 10)).toMatchObject([
        { order_id: 1, what: 'below_floor', target_id: 9, amount: 150, other_amount: 5 },
      ]);
    },
  );

  test('which refuse what they are owed are a finding that closes when they get it', async () => {
    const shop = await potShop(ADDED_SHARED);
    await refuse(shop);
    await sweep(shop);
    expect(await call(shop, 'list_findings', 10)).toMatchObject([
      { order_id: 1, what: 'not_given', target_id: 9, amount: 150, other_amount: 2 },
    ]);

    await shop.run('DROP TRIGGER object');
    await sweep(shop);
    expect(await pot(shop)).toEqual([155]);
    expect(await findings(shop)).toEqual([]);
  });
});

test('less than nothing returned is nothing: no more comes back than was taken', async () => {
  const shop = await potShop(ADDED);
  await shop.run('UPDATE share SET returned = -30 WHERE purchase_id = 1');

  expect(await sweep(shop)).toMatchObject({ cancelled: 2, returned: { gift: '150' } });
  expect(await pot(shop)).toEqual([155]);
});

describe('what a repair owes', () => {
  const repaired = async (file: string) => {
    const shop = await potShop(file);
    await shop.run('UPDATE purchase SET status = 2');
    await call(shop, 'repair_missing_refund', 1);
    return shop;
  };

  test('is given, also to a row that falls below its floor', async () => {
    const shop = await repaired(FLOOR_SHARED);

    await sweep(shop);

    expect(await owed(shop)).toEqual([]);
    expect(await pot(shop)).toEqual([0]);
    expect(await findings(shop)).toEqual(['1: below_floor gift 9']);
  });

  test('and is refused is a finding', async () => {
    const shop = await repaired(ADDED_SHARED);
    await refuse(shop);

    await sweep(shop);

    expect(await findings(shop)).toEqual(['1: not_given gift 9']);
  });

  test('to a row that is gone is a finding, also when it was one before', async () => {
    const shop = await potShop(ADDED_SHARED);
    await shop.run('UPDATE purchase SET status = 2');
    await shop.run('UPDATE pot SET id = 71');
    await call(shop, 'reconcile_orders', null);
    await shop.run('UPDATE pot SET id = 70');
    await call(shop, 'repair_missing_refund', 1);
    expect(await findingsOfAll(shop)).toEqual(['2: missing_refund gift 3']);

    await shop.run('UPDATE pot SET id = 71');
    await sweep(shop);

    expect(await findings(shop)).toContain('1: missing_target gift 9');
  });
});

test.each(['cancel_expired_orders()', 'cancel_expired_order(1)'])(
  'a row to which no reach leads, and which goes while %s gives, loses nothing in silence',
  async (text) => {
    const shop = await potShop(ADDED.replace('target: pot_id', 'target: card_id'));
    await shop.run('DELETE FROM purchase WHERE id = 2');
    await shop.run('INSERT INTO pot (id, cents) VALUES (9, 0)');
    const statuses = () => shop.column('SELECT status FROM purchase');
    const gate = await closeGate(shop, 'INSERT ON order_timeout_refund');
    const db = await shop.connect();
    const given = db.query(`CALL ${text}`).catch((error: unknown) => error);
    await gate.reached();
    await shop.run('DELETE FROM pot WHERE id = 70');
    await gate.open();

    // A sweep does it again at once, order by order.
    if (text.includes('order(1)')) {
      expect(await given).toMatchObject({ errno: 50009 });
      expect(await statuses()).toEqual([0]);
      await db.query(`CALL ${text}`);
    }
    await given;
    expect(await statuses()).toEqual([2]);
    expect(await shop.run('SELECT * FROM order_timeout_refund')).toEqual([]);
    expect(await findings(shop)).toEqual(['1: missing_target gift 9']);
  },
);

test('what a kind owes that is shared no longer is given, also if it keeps states now', async () => {
  const shop = await potShop(ADDED_SHARED);
  await cancel(shop, 1);
  await deployFile(shop, potFile('add: cents', 'set: {state: 0}', 'tells: [keeps_state]'), {
    'gift.sql': SHARES.replace('AS source', 'AS source, 1 AS keeps_state'),
  });

  await sweep(shop);

  expect(await owed(shop)).toEqual([]);
  expect(await pot(shop)).toEqual([155]);
});

test('what is owed to a row that comes back to life while it is missed is told, and not given as well', async () => {
  const shop = await potShop(
    ADDED_SHARED.replace('{table: pot, id: id}', '{table: pot, id: id, only: target.dead = 0}'),
  );
  await cancel(shop, 1);
  await shop.run('DELETE FROM purchase WHERE id = 2');
  await shop.run('UPDATE pot SET dead = 1');
  const db = await holding(shop, 'UPDATE pot SET dead = 0');
  const gate = await closeGate(shop, 'INSERT ON order_timeout_finding');

  const swept = (await shop.connect()).query('CALL cancel_expired_orders()');
  await gate.reached();
  await db.query('COMMIT');
  await gate.open();
  await swept;

  expect(await findings(shop)).toEqual(['1: missing_target gift 9']);
  expect(await pot(shop)).toEqual([5]);
});

test('two rows of the view for one order and target are refused: neither is lost', async () => {
  const shop = await potShop(ADDED);
  await shop.run('INSERT INTO share (purchase_id, card_id, pot_id, taken) VALUES (1, 9, 70, 25)');

  expect(await sweep(shop)).toMatchObject({ cancelled: 1, failed: 1, returned: { gift: '50' } });
  expect(await shop.run('SELECT order_id, error_number FROM order_timeout_failure')).toEqual([
    { order_id: 1, error_number: 1048 },
  ]);
});

test('two kinds of one table open one row for a user who has none', async () => {
  const kinds = ['points', 'bonus'];
  const rule = (kind: string) => `
  ${kind}:
    due: ${kind}.sql
    reads: {wallet: {integers: [user_id], index: [user_id]}}
    reach: [{by: {user_id: o.user_id}}]
    target: {table: wallet, id: id}
    open: {user_id: due.user_id}
    add: ${kind}`;
  const view = (kind: string) => `
SELECT o.id AS order_id, o.user_id, 0 AS target_id, account.id AS account_id, o.${kind} AS taken, 0 AS returned, 'order' AS source
  FROM purchase AS o
  JOIN LATERAL (SELECT MIN(id) AS id FROM wallet WHERE user_id = o.user_id) AS account
 WHERE o.${kind} > 0`;
  const shop = await createDeployed(
    `${purchases('points INT NOT NULL, bonus INT NOT NULL')}
     CREATE TABLE wallet (
         id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT NOT NULL UNIQUE KEY,
         points INT NOT NULL DEFAULT 0, bonus INT NOT NULL DEFAULT 0
     );
     INSERT INTO purchase (id, points, bonus) VALUES (1, 10, 20), (2, 1, 0);`,
    `${ordersOf('purchase')}\ngive_back:${kinds.map(rule).join('')}`,
    Object.fromEntries(kinds.map((kind) => [`${kind}.sql`, view(kind)])),
  );

  expect(await sweep(shop)).toMatchObject({ cancelled: 2, failed: 0 });
  expect(await shop.run('SELECT user_id, points, bonus FROM wallet')).toEqual([
    { user_id: 7, points: 11, bonus: 20 },
  ]);
});

test('an order for which the view raises an error is a finding, and is no reason not to look at the others', async () => {
  // Out of range where more came back than was taken.
  const view = SHARES.replace(
    'share.taken, share.returned',
    'CAST(share.taken AS UNSIGNED) - share.returned AS taken, 0 AS returned',
  );
  const shop = await potShop(ADDED, view);
  await shop.run('INSERT INTO purchase (id) VALUES (3), (4), (5), (6), (7)');
  await shop.run('UPDATE purchase SET status = 2, created_at = NOW() - INTERVAL 2 HOUR');
  await shop.run('DELETE FROM share');
  await shop.run(
    'INSERT INTO share SELECT id, id, 9, 70, 100, IF(id % 3 = 0, 101, 0) FROM purchase',
  );
  const missed = (id: number) => `${id}: missing_refund gift 9`;

  await sweep(shop);
  const found = await findings(shop);
  expect(found).toEqual([
    ...[1, 2].map(missed),
    '3: unreadable  0',
    ...[4, 5].map(missed),
    '6: unreadable  0',
    missed(7),
  ]);
  expect(await findingsOfAll(shop)).toEqual(found);

  await shop.run('UPDATE share SET returned = 0');
  await sweep(shop);
  expect(await findings(shop)).toEqual([1, 2, 3, 4, 5, 6, 7].map(missed));

  // What is broken for all is no order's.
  await shop.run('DROP VIEW order_timeout_after_gift');
  await expect(call(shop, 'reconcile_orders', null)).rejects.toMatchObject({ errno: 1146 });
  expect(await findings(shop)).toHaveLength(7);
});

test('a kind may be called what a way to the rows of another would be', async () => {
  const shop = await createDeployed(
    `${purchases('card BIGINT NOT NULL, spare BIGINT NOT NULL, used INT NOT NULL')}
     CREATE TABLE card (id BIGINT PRIMARY KEY, money INT NOT NULL DEFAULT 0);
     INSERT INTO card (id) VALUES (5), (6);
     INSERT INTO purchase (id, card, spare, used) VALUES (1, 5, 6, 10);`,
    `${ordersOf('purchase')}
give_back:
  gift:
    due: gift.sql
    reach: [{id: o.card}, {id: o.spare}]
    target: {table: card, id: id}
    add: money
  gift_1:
    order: {target: o.spare, amount: o.used}
    target: {table: card, id: id}
    add: money
`,
    {
      'gift.sql': `SELECT o.id AS order_id, o.user_id, o.card AS target_id, o.card AS account_id, o.used AS taken, 0 AS returned, 'lines' AS source
                     FROM purchase AS o FORCE INDEX (PRIMARY)`,
    },
  );

  expect(await sweep(shop)).toMatchObject({ cancelled: 1, failed: 0 });
  expect(await shop.column('SELECT money FROM card')).toEqual([10, 10]);
});

test('an amount that the row cannot hold keeps nobody else’s from it', async () => {
  const shop = await potShop(ADDED_SHARED);
  await shop.run('UPDATE pot SET cents = 4294967000');
  await shop.run('UPDATE share SET taken = 300 WHERE purchase_id = 1');
  for (const id of [2, 1]) await cancel(shop, id);
  expect(await sweep(shop)).toMatchObject({ outcome: 'completed' });

  expect(await pot(shop)).toEqual([4294967050]);
  expect(await owed(shop)).toMatchObject([{ order_id: 1, amount: 300 }]);
  expect(await findings(shop)).toEqual(['1: not_given gift 9']);
  await shop.run('ALTER TABLE pot MODIFY cents BIGINT NOT NULL');
  await sweep(shop);
  expect(await pot(shop)).toEqual([4294967350]);
  await sweep(shop);
  expect(await findings(shop)).toEqual([]);
  expect(await shop.run('SELECT * FROM order_timeout_violation')).toEqual([]);
});

test('a claim that leads to no row does not stand for one that is held and gets nothing', async () => {
  const points = `
  points:
    order: {target: o.user_id, amount: '10'}
    target: {table: guest, id: id}
    add: points`;
  const shop = await createDeployed(
    `${CARDS} CREATE TABLE guest (id BIGINT PRIMARY KEY, points INT NOT NULL);
     UPDATE card SET held_by = 1 WHERE id = 1; DELETE FROM purchase WHERE id = 3;
     UPDATE purchase SET card_id = NULL WHERE id = 2;`,
    cardFile('', `free: target.held_by = o.id\n    set: {held_by: null}${points}`),
    {
      'gift_card.sql': `
SELECT o.id AS order_id, o.user_id, o.card_id AS target_id, o.card_id AS account_id, 0 AS taken, 0 AS returned, 'lines' AS source
  FROM purchase AS o FORCE INDEX (PRIMARY) WHERE o.card_id > 0`,
    },
  );

  expect(await sweep(shop)).toMatchObject({ cancelled: 2, failed: 0 });
  expect(await shop.column('SELECT held_by FROM card WHERE id = 1')).toEqual([null]);
  expect(await findings(shop)).toEqual([1, 2].map((id) => `${id}: missing_target points 0`));
});

test('what is missing again, of a kind that is reached by its user, is a finding again with another amount', async () => {
  const shop = await createDeployed(
    `${CARDS} ALTER TABLE purchase ADD used INT NOT NULL DEFAULT 10; DELETE FROM purchase WHERE id > 1;
     UPDATE purchase SET created_at = NOW() - INTERVAL 30 DAY;`,
    cardFile().replace('{id: o.card_id}', '{by: {owner_id: o.user_id}}'),
    {
      'gift_card.sql': `
SELECT o.id AS order_id, o.user_id, 0 AS target_id, card.id AS account_id, o.used AS taken, 0 AS returned, 'order' AS source
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
