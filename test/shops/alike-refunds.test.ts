import { expect, test } from 'vitest';
import { readsOf } from '../procedures/calls';
import { call, createDeployed, findings, ordersOf, purchases, sweep } from './example';

const SCHEMA = `
${purchases()}
CREATE TABLE wallet (id BIGINT PRIMARY KEY, money BIGINT NOT NULL);
CREATE TABLE card (
    id BIGINT AUTO_INCREMENT PRIMARY KEY, purchase_id BIGINT NOT NULL, wallet_id BIGINT NOT NULL, taken BIGINT NOT NULL, KEY (purchase_id)
);
CREATE TABLE log (
    id BIGINT AUTO_INCREMENT PRIMARY KEY, purchase BIGINT NOT NULL, wallet BIGINT NOT NULL, card BIGINT NULL,
    amount BIGINT NOT NULL, invoice BIGINT NULL, at DATETIME NOT NULL, KEY (purchase)
);
INSERT INTO wallet VALUES (5, 0);
INSERT INTO purchase (id, user_id, created_at) VALUES (1, 7, NOW() - INTERVAL 2 HOUR);
INSERT INTO card (purchase_id, wallet_id, taken) VALUES (1, 5, 100), (1, 5, 100), (1, 5, 30);
`;
const fileWith = (write: string) => `${ordersOf('purchase')}
give_back:
  gift:
    due: gift.sql
    reach: [{lines: {table: card, order: purchase_id, target: wallet_id}}]
    reads: {card: {integers: [purchase_id, wallet_id, taken], index: [purchase_id]}}
    target: {table: wallet, id: id}
    add: money
    ledger: {table: log, write: {purchase: refund.order_id, wallet: refund.account_id, amount: refund.amount, ${write}}}
`;
const VIEW = `SELECT o.id AS order_id, o.user_id, card.id AS target_id, card.wallet_id AS account_id, card.taken, 0 AS returned, 'lines' AS source
  FROM purchase AS o JOIN card ON card.purchase_id = o.id`;

test.each([
  'at: :now',
  'at: :now, card: refund.target_id',
  'at: :now, invoice: null',
  // Values that are others by now: the balance of then, seconds, a number that is new each time.
  'at: :now, invoice: (SELECT money FROM wallet WHERE id = refund.account_id)',
  'at: :now, invoice: UNIX_TIMESTAMP(:now)',
  'at: :now, invoice: UUID_SHORT()',
])(
  'two refunds of the same amount to the same account are no broken invariant (%s); a row too few or too many is',
  async (write) => {
    const shop = await createDeployed(SCHEMA, fileWith(write), { 'gift.sql': VIEW });
    expect(await sweep(shop)).toMatchObject({ cancelled: 1, returned: { gift: '230' } });
    await call(shop, 'reconcile_orders', null);
    expect(await findings(shop)).toEqual([]);
    const broken = async () =>
      (
        await shop.run<{ invariant: string; detail: string }>(
          'SELECT invariant, detail FROM order_timeout_violation ORDER BY detail',
        )
      ).map(({ invariant, detail }) => `${invariant}: ${detail}`);

    await shop.run(
      'INSERT INTO log (purchase, wallet, card, amount, at) SELECT purchase, wallet, card, amount, at FROM log WHERE amount = 30',
    );
    expect(await broken()).toEqual(['twice: gift 3: 30 given back with 2 rows in the ledger']);
    await shop.run('DELETE FROM log WHERE amount = 30 ORDER BY id DESC LIMIT 1');
    expect(await broken()).toEqual([]);
    await shop.run('DELETE FROM log WHERE amount = 100 LIMIT 1');
    expect(await broken()).toEqual(
      write.includes('card')
        ? ['ledger: gift 1: 100 given back with 0 rows in the ledger']
        : [1, 2].map(
            (card) =>
              `ledger: gift ${card}: 100 given back with 1 rows in the ledger for 2 refunds that look alike there`,
          ),
    );
  },
);

test('nor are refunds of two kinds of which the ledger does not say the kind; a row too few is', async () => {
  const kind = (column: string, write: string) => `
  ${column}:
    order: {target: o.user_id, amount: o.${column}}
    target: {table: guest, id: id}
    add: ${column}
    ledger: {table: log, write: {${write}}}`;
  const shop = await createDeployed(
    `${purchases('points INT NOT NULL, bonus INT NOT NULL, gift INT NOT NULL')}
     CREATE TABLE guest (id BIGINT PRIMARY KEY, points INT NOT NULL, bonus INT NOT NULL, gift INT NOT NULL);
     CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, purchase BIGINT, amount INT, what CHAR(4), KEY (purchase));
     INSERT INTO guest VALUES (7, 0, 0, 0);
     INSERT INTO purchase (id, points, bonus, gift) VALUES (1, 10, 10, 10), (2, 10, 20, 10);`,
    `${ordersOf('purchase')}
give_back:
${kind('points', 'purchase: refund.order_id, amount: refund.amount')}
${kind('bonus', 'amount: refund.amount, purchase: refund.order_id')}
${kind('gift', 'purchase: refund.order_id, amount: refund.amount, what: "\'gift\'"')}
`,
  );
  await sweep(shop);
  await call(shop, 'reconcile_orders', null);
  expect(await findings(shop)).toEqual([]);

  await shop.run('DELETE FROM log WHERE amount = 10 LIMIT 1');
  await call(shop, 'reconcile_orders', null);
  expect(await findings(shop)).toEqual([
    '1: broken_invariant bonus 0',
    '1: broken_invariant points 0',
  ]);
});

test('nor are refunds of two orders of which the ledger has the number alone', async () => {
  const shop = await createDeployed(
    `${purchases('number CHAR(4) NOT NULL')}
     CREATE TABLE guest (id BIGINT PRIMARY KEY, points INT NOT NULL);
     CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, number CHAR(4), amount INT, at DATETIME, KEY (number));
     INSERT INTO guest VALUES (7, 0);
     INSERT INTO purchase (id, number) VALUES (1, 'A-1'), (2, 'A-2');`,
    `${ordersOf('purchase')}
give_back:
  points:
    order: {target: o.user_id, amount: '10'}
    target: {table: guest, id: id}
    add: points
    ledger: {table: log, write: {number: (SELECT number FROM purchase WHERE id = refund.order_id), amount: refund.amount, at: :now}}
`,
  );
  await sweep(shop);
  expect(await shop.run('SELECT number, amount FROM log')).toEqual([
    { number: 'A-1', amount: 10 },
    { number: 'A-2', amount: 10 },
  ]);
  expect(await shop.run('SELECT * FROM order_timeout_violation')).toEqual([]);
});

test.each([
  'invoice: (SELECT p.uuid FROM purchase AS p WHERE p.id = refund.order_id)',
  `note: "CONCAT('now (', refund.order_id, ')')"`,
])('a ledger row is told by what only looks as if it were new each time (%s)', async (write) => {
  const shop = await createDeployed(
    `${SCHEMA}
     ALTER TABLE purchase ADD uuid BIGINT AS (id + 100);
     ALTER TABLE log MODIFY purchase BIGINT NULL, ADD note VARCHAR(20) NULL;
     INSERT INTO purchase (id) VALUES (2);
     INSERT INTO card (purchase_id, wallet_id, taken) VALUES (2, 5, 30);`,
    fileWith(`at: :now, ${write}`).replace('purchase: refund.order_id, ', ''),
    { 'gift.sql': VIEW },
  );
  expect(await sweep(shop)).toMatchObject({ cancelled: 2, returned: { gift: '260' } });
  expect(await shop.run('SELECT * FROM order_timeout_violation')).toEqual([]);
});

test.for([
  ['BIGINT', 'refund.order_id'],
  ['VARCHAR(64)', "CONCAT('purchase ', refund.order_id)"],
  ['VARCHAR(64)', 'refund.order_id'],
] as const)(
  'the row of a refund is looked for by an index, and up makes one where the ledger has none: %s, %s',
  async ([type, value]) => {
    const schema = SCHEMA.replace('purchase BIGINT', `purchase ${type}`).replace(
      ', KEY (purchase)\n',
      '\n',
    );
    const file = fileWith('at: :now').replace('purchase: refund.order_id', `purchase: "${value}"`);
    const shop = await createDeployed(schema, file, { 'gift.sql': VIEW });
    await sweep(shop);
    await shop.run(
      `INSERT INTO log (purchase, wallet, amount, at)
       WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 900)
       SELECT REPLACE(purchase, 1, 1000 + n), wallet, amount, at FROM log JOIN n`,
    );
    const violations = 'SELECT * FROM order_timeout_violation';

    expect(await shop.run(violations)).toEqual([]);
    expect(await readsOf(await shop.connect(), violations)).toBeLessThan(500);
  },
);
