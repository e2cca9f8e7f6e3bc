import { describe, expect, test } from 'vitest';
import { closeGate, type Shop } from '../support';
import { call, cancel, createTables, deployFile, findings, sweep, ordersOf } from './example';

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

const SHOP_FILE = `${ordersOf('purchase')}
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
  // What came back before counts too.
  expect(await call(shop, 'order_money', 1)).toMatchObject([{ taken: 500, returned: 500 }]);
  expect(await call(shop, 'order_money', 2)).toMatchObject([{ taken: 0, returned: 0, missing: 0 }]);
});

const POTS = `
CREATE TABLE purchase (
    id BIGINT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    status INT NOT NULL DEFAULT 0,
    created_at DATETIME NOT NULL
);
CREATE TABLE pot (id BIGINT PRIMARY KEY, cents INT UNSIGNED NOT NULL);
CREATE TABLE share (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    purchase_id BIGINT NOT NULL,
    card_id BIGINT NOT NULL,
    pot_id BIGINT NOT NULL,
    taken INT NOT NULL,
    returned INT NOT NULL DEFAULT 0,
    KEY (purchase_id)
);
INSERT INTO pot VALUES (70, 5);
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

/** Two orders, of the cards 9 and 3, both of the pot 70. */
async function potShop(status: 'pending' | 'cancelled', ...keys: string[]): Promise<Shop> {
  const shop = await createTables(POTS);
  await deployFile(shop, potFile(...keys), { 'gift.sql': SHARES });
  await shop.run(
    `INSERT INTO purchase (id, user_id, status, created_at)
     VALUES (1, 7, ?, NOW() - INTERVAL 1 HOUR), (2, 7, ?, NOW() - INTERVAL 1 HOUR)`,
    [status === 'pending' ? 0 : 2, status === 'pending' ? 0 : 2],
  );
  await shop.run(
    'INSERT INTO share (purchase_id, card_id, pot_id, taken) VALUES (1, 9, 70, 100), (2, 3, 70, 50)',
  );
  return shop;
}

const pot = async (shop: Shop) => (await shop.run('SELECT cents FROM pot'))[0]?.cents;

describe('rows that are not what was taken from', () => {
  test.each([[['subtract: cents', 'floor: 0']], [['subtract: cents', 'floor: 0', 'shared: true']]])(
    'below their floor are a finding of the first order and its own target: %s',
    async (keys) => {
      const shop = await potShop('pending', ...keys);

      await sweep(shop);

      expect(await pot(shop)).toBe(0);
      expect(await call(shop, 'list_findings', 10)).toMatchObject([
        { order_id: 1, what: 'below_floor', target_id: 9, amount: 150, other_amount: 5 },
      ]);
    },
  );

  test('which refuse what they are owed are a finding that closes when they get it', async () => {
    const shop = await potShop('pending', 'add: cents', 'shared: true');
    await shop.run(
      "CREATE TRIGGER object BEFORE UPDATE ON pot FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'",
    );
    await sweep(shop);
    expect(await call(shop, 'list_findings', 10)).toMatchObject([
      { order_id: 1, what: 'not_given', target_id: 9, amount: 150, other_amount: 2 },
    ]);

    await shop.run('DROP TRIGGER object');
    await sweep(shop);
    expect(await pot(shop)).toBe(155);
    expect(await findings(shop)).toEqual([]);
  });
});

test('less than nothing returned is nothing: no more comes back than was taken', async () => {
  const shop = await potShop('pending', 'add: cents');
  await shop.run('UPDATE share SET returned = -30 WHERE purchase_id = 1');

  expect(await sweep(shop)).toMatchObject({ cancelled: 2, returned: { gift: '150' } });
  expect(await pot(shop)).toBe(155);
});

describe('what a repair owes', () => {
  const repaired = async (...keys: string[]) => {
    const shop = await potShop('cancelled', ...keys, 'shared: true');
    await call(shop, 'repair_missing_refund', 1);
    return shop;
  };

  test('is given, also to a row that falls below its floor', async () => {
    const shop = await repaired('subtract: cents', 'floor: 0');

    await sweep(shop);

    expect(await shop.run('SELECT * FROM order_timeout_owed')).toEqual([]);
    expect(await pot(shop)).toBe(0);
    expect(await findings(shop)).toEqual(['1: below_floor gift 9']);
  });

  test('and is refused is a finding', async () => {
    const shop = await repaired('add: cents');
    await shop.run(
      "CREATE TRIGGER object BEFORE UPDATE ON pot FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'",
    );

    await sweep(shop);

    expect(await findings(shop)).toEqual(['1: not_given gift 9']);
  });

  test('to a row that is gone is a finding, also when it was one before', async () => {
    const shop = await potShop('cancelled', 'add: cents', 'shared: true');
    await shop.run('UPDATE pot SET id = 71');
    await call(shop, 'reconcile_orders', null);
    await shop.run('UPDATE pot SET id = 70');
    await call(shop, 'repair_missing_refund', 1);
    await call(shop, 'reconcile_orders', null);
    expect(await findings(shop)).toEqual(['2: missing_refund gift 3']);

    await shop.run('UPDATE pot SET id = 71');
    await sweep(shop);

    expect(await findings(shop)).toContain('1: missing_target gift 9');
  });
});

test.each<[by: string, call: string]>([
  ['a sweep', 'CALL cancel_expired_orders()'],
  ['a call', 'CALL cancel_expired_order(1)'],
])(
  'a row to which no reach leads, and which goes while %s gives, loses nothing in silence',
  async (_, text) => {
    const shop = await createTables(POTS);
    const file = potFile('add: cents').replace('target: pot_id', 'target: card_id');
    await deployFile(shop, file, { 'gift.sql': SHARES });
    await shop.run('INSERT INTO purchase VALUES (1, 7, 0, NOW() - INTERVAL 1 HOUR)');
    await shop.run(
      'INSERT INTO share (purchase_id, card_id, pot_id, taken) VALUES (1, 9, 70, 100)',
    );
    await shop.run('INSERT INTO pot VALUES (9, 0)');
    const gate = await closeGate(shop, 'INSERT ON order_timeout_refund');
    const db = await shop.connect();
    const given = db.query(text).catch((error: unknown) => error);
    await gate.reached();
    await shop.run('DELETE FROM pot WHERE id = 70');
    await gate.open();

    // A sweep does it again at once, order by order.
    if (text.includes('order(1)')) {
      expect(await given).toMatchObject({ errno: 50009 });
      expect(await shop.run('SELECT status FROM purchase')).toEqual([{ status: 0 }]);
      await db.query(text);
    }
    await given;
    expect(await shop.run('SELECT status FROM purchase')).toEqual([{ status: 2 }]);
    expect(await shop.run('SELECT * FROM order_timeout_refund')).toEqual([]);
    expect(await findings(shop)).toEqual(['1: missing_target gift 9']);
  },
);

test('what a kind owes that is shared no longer is given, also if it keeps states now', async () => {
  const keep = SHARES.replace('AS source', 'AS source, 1 AS keeps_state');
  const shop = await potShop('pending', 'add: cents', 'shared: true');
  await shop.run('ALTER TABLE pot ADD COLUMN state INT NOT NULL DEFAULT 9');
  await cancel(shop, 1);
  const keeping = potFile('add: cents', 'set: {state: 0}', 'tells: [keeps_state]');
  await deployFile(shop, keeping, { 'gift.sql': keep });

  await sweep(shop);

  expect(await shop.run('SELECT * FROM order_timeout_owed')).toEqual([]);
  expect(await pot(shop)).toBe(155);
});

test('what is owed to a row that comes back to life while it is missed is told, and not given as well', async () => {
  const shop = await createTables(
    POTS.replace('cents INT UNSIGNED NOT NULL', '$&, dead INT NOT NULL').replace('70, 5', '$&, 0'),
  );
  const file = potFile('add: cents', 'shared: true').replace(
    'id: id}\n    add',
    'id: id, only: target.dead = 0}\n    add',
  );
  await deployFile(shop, file, { 'gift.sql': SHARES });
  await shop.run('INSERT INTO purchase VALUES (1, 7, 0, NOW() - INTERVAL 1 HOUR)');
  await shop.run('INSERT INTO share (purchase_id, card_id, pot_id, taken) VALUES (1, 9, 70, 100)');
  await cancel(shop, 1);
  await shop.run('UPDATE pot SET dead = 1');
  const db = await shop.connect();
  await db.query('START TRANSACTION');
  await db.query('UPDATE pot SET dead = 0');
  const gate = await closeGate(shop, 'INSERT ON order_timeout_finding');

  const swept = (await shop.connect()).query('CALL cancel_expired_orders()');
  await gate.reached();
  await db.query('COMMIT');
  await gate.open();
  await swept;

  expect(await findings(shop)).toEqual(['1: missing_target gift 9']);
  expect(await pot(shop)).toBe(5);
});

test('two rows of the view for one order and target are refused: neither is lost', async () => {
  const shop = await potShop('pending', 'add: cents');
  await shop.run('INSERT INTO share (purchase_id, card_id, pot_id, taken) VALUES (1, 9, 70, 25)');

  expect(await sweep(shop)).toMatchObject({ cancelled: 1, failed: 1, returned: { gift: '50' } });
  expect(await shop.run('SELECT order_id, error_number FROM order_timeout_failure')).toEqual([
    { order_id: 1, error_number: 1048 },
  ]);
});

const WALLETS = `
CREATE TABLE purchase (
    id BIGINT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    status INT NOT NULL DEFAULT 0,
    points INT NOT NULL,
    bonus INT NOT NULL,
    created_at DATETIME NOT NULL
);
CREATE TABLE wallet (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    points INT NOT NULL DEFAULT 0,
    bonus INT NOT NULL DEFAULT 0,
    UNIQUE KEY (user_id)
);
`;

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
  const shop = await createTables(WALLETS);
  const [orders = ''] = SHOP_FILE.split('\n  gift_card:');
  await deployFile(
    shop,
    orders + kinds.map(rule).join(''),
    Object.fromEntries(kinds.map((kind) => [`${kind}.sql`, view(kind)])),
  );
  await shop.run('INSERT INTO purchase VALUES (1, 7, 0, 10, 20, NOW() - INTERVAL 1 HOUR)');
  await shop.run('INSERT INTO purchase VALUES (2, 7, 0, 1, 0, NOW() - INTERVAL 1 HOUR)');

  expect(await sweep(shop)).toMatchObject({ cancelled: 2, failed: 0 });
  expect(await shop.run('SELECT user_id, points, bonus FROM wallet')).toEqual([
    { user_id: 7, points: 11, bonus: 20 },
  ]);
});

test('an order for which the view raises an error is a finding, and is no reason not to look at the others', async () => {
  const shop = await createTables(POTS);
  // Out of range where more came back than was taken.
  const view = SHARES.replace(
    'share.taken, share.returned',
    'CAST(share.taken AS UNSIGNED) - share.returned AS taken, 0 AS returned',
  );
  await deployFile(shop, potFile('add: cents'), { 'gift.sql': view });
  for (let id = 1; id <= 7; id++) {
    const returned = id % 3 === 0 ? 101 : 0;
    await shop.run('INSERT INTO purchase VALUES (?, 7, 2, NOW() - INTERVAL 2 HOUR)', [id]);
    await shop.run('INSERT INTO share VALUES (?, ?, 9, 70, 100, ?)', [id, id, returned]);
  }
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
  await call(shop, 'reconcile_orders', null);
  expect(await findings(shop)).toEqual(found);

  await shop.run('UPDATE share SET returned = 0');
  await sweep(shop);
  expect(await findings(shop)).toEqual([1, 2, 3, 4, 5, 6, 7].map(missed));

  // What is broken for all is no order's.
  await shop.run('DROP VIEW order_timeout_after_gift');
  await expect(call(shop, 'reconcile_orders', null)).rejects.toMatchObject({ errno: 1146 });
  expect(await findings(shop)).toHaveLength(7);
});

describe('a kind whose rows are reached both by their id and by the user', () => {
  /** An order gets 100 back on the card of its user; the card that it names is held for it, and gets nothing. */
  async function twoWays(): Promise<Shop> {
    const shop = await createTables(
      `${SCHEMA}ALTER TABLE card ADD owner_id BIGINT NULL, ADD held_by BIGINT NULL, ADD KEY (owner_id);`,
    );
    const file = SHOP_FILE.replace(
      '      - {id: o.card_id}\n',
      `      - {id: o.card_id}
      - {by: {owner_id: o.user_id}}
    free: target.held_by = o.id
    set: {held_by: null}
`,
    );
    const view = `
SELECT o.id AS order_id, o.user_id, owned.id AS target_id, owned.id AS account_id, 100 AS taken, 0 AS returned, 'order' AS source
  FROM purchase AS o
  JOIN card AS owned ON owned.owner_id = o.user_id`;
    await deployFile(shop, file, { 'gift_card.sql': view });
    await shop.run('UPDATE card SET owner_id = 7 WHERE id = 1');
    return shop;
  }
  const due = (shop: Shop, cardId: number | null) =>
    shop.run('INSERT INTO purchase VALUES (1, 7, 0, ?, NOW() - INTERVAL 30 DAY)', [cardId]);
  const BY = { 'a call': (shop: Shop) => cancel(shop, 1), 'the sweep': sweep };

  test.each(Object.entries(BY))(
    'by %s: what is held and gets nothing is set free',
    async (_, by) => {
      const shop = await twoWays();
      await due(shop, 2);
      await shop.run('UPDATE card SET held_by = 1 WHERE id = 2');

      expect(await by(shop)).toMatchObject({ returned: { gift_card: '100' } });
      expect(await shop.run('SELECT id, cents, held_by FROM card')).toEqual([
        { id: 1, cents: 100, held_by: null },
        { id: 2, cents: 0, held_by: null },
      ]);
    },
  );

  test.each(Object.entries(BY))('by %s: that the order was paid is told at once', async (_, by) => {
    const shop = await twoWays();
    await due(shop, null);
    await call(shop, 'accept_payment', 1, 'pi_1');
    await shop.run('UPDATE purchase SET status = 0');

    expect(await by(shop)).toMatchObject({ returned: { gift_card: '100' } });
    expect(await findings(shop)).toContainEqual(
      expect.stringMatching(/^1: cancelled_after_payment/),
    );
  });
});
