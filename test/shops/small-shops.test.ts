import { describe, expect, it } from 'vitest';
import { down, plan } from '../../scripts/deploy';
import { holding } from '../procedures/obstacles';
import type { Shop } from '../support';
import { call, cancel, createDeployed, deployFile, findingsOfAll } from './example';
import { GUESTS_POINTS, ordersOf, purchases, sweep } from './example';

describe('an order with a deadline of its own', () => {
  const SCHEMA = `
${purchases('points INT NOT NULL DEFAULT 0, pay_before DATETIME NULL')}
CREATE TABLE guest (id BIGINT PRIMARY KEY, points INT NOT NULL DEFAULT 0);
INSERT INTO guest (id) VALUES (7);
INSERT INTO purchase (id, points, created_at, pay_before)
VALUES (1, 10, UTC_TIMESTAMP() - INTERVAL 1 MINUTE, UTC_TIMESTAMP() - INTERVAL 1 SECOND),
       (2, 20, UTC_TIMESTAMP() - INTERVAL 9 DAY, UTC_TIMESTAMP() + INTERVAL 1 HOUR),
       (3, 40, UTC_TIMESTAMP() - INTERVAL 9 DAY, NULL),
       (4, 80, UTC_TIMESTAMP() - INTERVAL 1 MINUTE, UTC_TIMESTAMP() - INTERVAL 1 DAY);
`;
  const SHOP_FILE = ordersOf('purchase', 'deadline: pay_before') + GUESTS_POINTS;
  const hotel = () => createDeployed(SCHEMA, SHOP_FILE);
  const state = async (shop: Shop) => ({
    cancelled: await shop.column('SELECT id FROM purchase WHERE status = 2 ORDER BY id'),
    points: await shop.column('SELECT points FROM guest'),
  });

  it('is cancelled when that is over, whatever its age', async () => {
    const shop = await hotel();

    expect(await call(shop, 'preview_expired_orders', 10)).toMatchObject([
      { order_id: 4, points_refund: 80 },
      { order_id: 1, points_refund: 10 },
    ]);
    expect(await sweep(shop)).toMatchObject({ cancelled: 2, returned: { points: '90' } });
    expect(await state(shop)).toEqual({ cancelled: [1, 4], points: [90] });
  });

  it('is told of by it, also by a call; one without it is for a person to see', async () => {
    const shop = await hotel();
    const [soon] = await shop.column('SELECT pay_before FROM purchase WHERE id = 2');

    expect(await call(shop, 'order_deadlines', '[1, 2, 3]')).toMatchObject([
      { order_id: 1, state: 'due', remaining_seconds: 0 },
      { order_id: 2, state: 'pending' },
      { order_id: 3, state: 'contradictory', expires_at: null },
    ]);
    const told = await call<{ detail: string }>(shop, 'explain_order_timeout', 2);
    expect(told.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^The order waits for payment until /),
      expect.stringMatching(/^Placed at .* by user 7\.$/),
      expect.stringMatching(/^Times out at its own deadline, \d{4}-/),
      '20 points comes back when the order is cancelled, to row 7, known from order.',
    ]);
    const [setting] = await call<{ detail: string }>(shop, 'order_timeout_health');
    expect(setting?.detail).toMatch(/^Orders time out at their own deadline; /);
    expect(await findingsOfAll(shop)).toEqual(['3: contradictory  0']);

    expect(await cancel(shop, 1)).toMatchObject({
      outcome: 'cancelled',
      returned: { points: '10' },
    });
    expect(await cancel(shop, 2)).toMatchObject({ outcome: 'not_expired', expires_at: soon });
    expect(await cancel(shop, 3)).toMatchObject({ outcome: 'contradictory' });
    expect(await state(shop)).toEqual({ cancelled: [1], points: [10] });
  });
});

/** A row that names the order which holds it. */
const held = (table: string, ...more: readonly string[]) => `
give_back:
  ${table}:
    held: {by: purchase_id}
    target: {table: ${table}, id: id}
    set: {purchase_id: null}
${more.map((line) => `    ${line}\n`).join('')}`;

describe.each(['DATETIME', 'TIMESTAMP'])('of a %s that is zero', (type) => {
  const zero = `${type} NOT NULL DEFAULT '0000-00-00 00:00:00'`;
  const deployed = (...more: readonly string[]) =>
    createDeployed(
      `SET sql_mode = '';
${purchases(`points INT NOT NULL DEFAULT 10, placed ${zero}, pay_before ${zero}, paid ${zero}`)}
CREATE TABLE guest (id BIGINT PRIMARY KEY, points INT NOT NULL DEFAULT 0);
INSERT INTO guest (id) VALUES (7);
INSERT INTO purchase (id, placed, paid) VALUES (1, 0, 0), (2, UTC_TIMESTAMP() - INTERVAL 1 HOUR, 0),
    (3, UTC_TIMESTAMP() - INTERVAL 1 HOUR, UTC_TIMESTAMP());
UPDATE purchase SET pay_before = placed;`,
      ordersOf('purchase', ...more).replace('created: created_at', 'created: placed') +
        GUESTS_POINTS,
    );

  it.each([
    ['paid_at: paid', ''],
    ['paid_at: paid', 'deadline: pay_before'],
  ])(
    'the sweep says what a call does: it is no age, no deadline and no payment: %s %s',
    async (...more) => {
      const shop = await deployed(...more.filter(Boolean));
      expect(await call(shop, 'preview_expired_orders', 5)).toMatchObject([{ order_id: 2 }]);
      expect(await shop.column('SELECT due_orders FROM order_timeout_backlog')).toEqual([1]);
      expect(await sweep(shop)).toMatchObject({ cancelled: 1, returned: { points: '10' } });
      expect(await shop.column('SELECT id FROM purchase WHERE status = 2')).toEqual([2]);
      expect(await cancel(shop, 1)).toMatchObject({ outcome: 'contradictory' });
      expect(await findingsOfAll(shop)).toEqual(['1: contradictory  0', '3: contradictory  0']);
    },
  );
});

it('a release without a journal is done as often as an order is cancelled, and leaves others alone', async () => {
  const shop = await createDeployed(
    `${purchases()}
     CREATE TABLE seat (id BIGINT PRIMARY KEY, purchase_id BIGINT NULL, KEY (purchase_id));
     INSERT INTO purchase (id, status) VALUES (1, 0), (2, 1);
     INSERT INTO seat VALUES (1, 1), (2, 1), (3, 2);`,
    ordersOf('purchase') + held('seat', 'journal: false'),
  );
  const { remarks } = await plan(shop.url, { paused: true });
  expect(remarks.map(({ text }) => text)).toContain('The first sweep would cancel 1 order.');
  const seats = () => shop.column('SELECT purchase_id FROM seat ORDER BY id');

  expect(await cancel(shop, 1)).toMatchObject({ outcome: 'cancelled' });
  expect(await seats()).toEqual([null, null, 2]);

  // Opened again by an admin, and seated again.
  await shop.run('UPDATE purchase SET status = 0 WHERE id = 1');
  await shop.run('UPDATE seat SET purchase_id = 1 WHERE id = 2');
  expect(await sweep(shop)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
  expect(await seats()).toEqual([null, null, 2]);
  expect(await shop.run('SELECT * FROM order_timeout_refund')).toEqual([]);
  expect(await call(shop, 'reconcile_orders', null)).toEqual([{ orders: 2, opened: 0, closed: 0 }]);
});

it.each(['NULL', 'NOT NULL'])(
  'a zero is no paid time, in a column that is %s',
  async (nullable) => {
    const shop = await createDeployed(
      `SET sql_mode = '';
     ${purchases(`paid DATETIME ${nullable} DEFAULT '0000-00-00 00:00:00'`)}
     CREATE TABLE voucher (id BIGINT PRIMARY KEY, purchase_id BIGINT NULL);
     INSERT INTO purchase (id) VALUES (1), (2), (3);
     UPDATE purchase SET paid = UTC_TIMESTAMP() WHERE id = 3;
     INSERT INTO voucher VALUES (1, 1), (2, 2), (3, 3);`,
      ordersOf('purchase', 'paid_at: paid') + held('voucher'),
    );

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
    expect(await findingsOfAll(shop)).toEqual(['3: contradictory  0']);
  },
);

describe.each([
  [
    'ids with leading zeros',
    'id INT UNSIGNED ZEROFILL PRIMARY KEY',
    'TINYINT(3) UNSIGNED ZEROFILL',
  ],
  [
    'an id beside the primary key',
    'uid CHAR(8) PRIMARY KEY DEFAULT (CONCAT(id)), id BIGINT NOT NULL UNIQUE',
    'INT',
  ],
])('%s', (_, id, status) => {
  it('is found by its own key: what others hold locked keeps nothing else waiting', async () => {
    const shop = await createDeployed(
      `CREATE TABLE purchase (
           ${id}, user_id BIGINT NOT NULL, status ${status} NOT NULL DEFAULT 0, points INT NOT NULL,
           created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP() - INTERVAL 1 HOUR)
       );
       CREATE TABLE guest (${id}, points INT NOT NULL DEFAULT 0);
       INSERT INTO guest (id) VALUES (7), (8), (9);
       INSERT INTO purchase (id, user_id, points) VALUES (1, 7, 10), (2, 8, 20), (3, 9, 40);`,
      ordersOf('purchase') + GUESTS_POINTS,
    );
    await holding(
      shop,
      'SELECT * FROM purchase JOIN guest ON guest.id = user_id WHERE purchase.id = 1 FOR UPDATE',
    );

    await shop.run('SET innodb_lock_wait_timeout = 1');
    expect(await cancel(shop, 2)).toMatchObject({ outcome: 'cancelled' });
    expect(await sweep(shop)).toMatchObject({ cancelled: 1, failed: 0 });
    expect(await shop.column('SELECT points FROM guest ORDER BY id')).toEqual([0, 20, 40]);
  });
});

it('a ledger says what a row has after each refund, also of several in a batch', async () => {
  const ledger = (kind: string, before = 'refund.Balance - refund.amount') =>
    `ledger: {table: log, write: {kind: "'${kind}'", purchase: refund.order_id, amount: refund.amount, balance: refund.balance, before_it: ${before}}}`;
  const shop = await createDeployed(
    `${purchases('points INT NOT NULL, bonus INT NOT NULL DEFAULT 1, locked INT NOT NULL')}
     CREATE TABLE guest (id BIGINT PRIMARY KEY, points INT UNSIGNED NULL, locked INT UNSIGNED NOT NULL DEFAULT 100);
     CREATE TABLE log (id BIGINT AUTO_INCREMENT PRIMARY KEY, kind CHAR(6), purchase BIGINT, amount INT, balance INT, before_it INT, KEY (purchase));
     INSERT INTO guest (id, points) VALUES (7, NULL), (8, 5);
     INSERT INTO purchase (id, user_id, points, locked) VALUES (1, 7, 10, 60), (2, 8, 20, 1), (3, 7, 40, 60), (4, 7, 80, 1);`,
    `${ordersOf('purchase')}${GUESTS_POINTS}    ${ledger('points')}
  bonus:
    order: {target: o.user_id, amount: o.bonus}
    target: {table: guest, id: id}
    add: points
    ${ledger('bonus')}
  locked:
    order: {target: o.user_id, amount: o.locked}
    target: {table: guest, id: id}
    subtract: locked
    floor: 0
    ${ledger('locked', 'null')}
`,
  );
  const caller = await holding(shop, 'SELECT * FROM guest');
  expect(await cancel(shop, 4)).toMatchObject({ outcome: 'cancelled' });
  await caller.query('CALL cancel_expired_order(2)');
  await caller.query('COMMIT');
  expect(await sweep(shop)).toMatchObject({ cancelled: 2, failed: 0 });

  const told = await shop.column(
    "SELECT CONCAT_WS(' ', kind, purchase, before_it, amount, balance) FROM log ORDER BY id",
  );
  expect(told).toEqual([
    'points 4 0 80 80',
    'bonus 4 80 1 81',
    'locked 4 1 99',
    'points 2 5 20 25',
    'bonus 2 25 1 26',
    'locked 2 1 99',
    'points 1 81 10 91',
    'points 3 91 40 131',
    'bonus 1 131 1 132',
    'bonus 3 132 1 133',
    'locked 1 60 39',
    'locked 3 60 0',
  ]);
  expect(await shop.run('SELECT * FROM guest')).toEqual([
    { id: 7, points: 133, locked: 0 },
    { id: 8, points: 26, locked: 99 },
  ]);
  expect(await shop.run('SELECT * FROM order_timeout_violation')).toEqual([]);
});

it('what a table says that no key names is read, too, and not what a caller says in its place', async () => {
  const shop = await createDeployed(
    `${purchases()}
     CREATE TABLE voucher (id BIGINT PRIMARY KEY, purchase_id BIGINT NULL, state INT NULL);
     CREATE TABLE state (code INT);
     CREATE TABLE word (code INT, meaning CHAR(4));
     CREATE TABLE flag SELECT 1 AS is_set;
     CREATE TABLE mark SELECT 1 AS is_set;
     CREATE TABLE log (id BIGINT AUTO_INCREMENT PRIMARY KEY, voucher BIGINT, state INT, KEY (voucher));
     INSERT INTO purchase (id) VALUES (1), (2);
     INSERT INTO voucher VALUES (1, 1, 3), (2, 2, 3);
     INSERT INTO state VALUES (5);
     INSERT INTO word VALUES (5, 'free');`,
    `${ordersOf('purchase')}${held(
      'voucher',
      'ledger: {table: log, write: {voucher: refund.account_id, state: (SELECT EXTRACT(DAY FROM NULL) FROM DUAL) IS NULL AND (SELECT 1 FROM state)}}',
    ).replace(
      '{purchase_id: null}',
      '{state: "(SELECT s.code FROM (`state` AS s JOIN word USING (code)), flag STRAIGHT_JOIN mark WHERE meaning = \'free\')"}',
    )}`,
  );
  await shop.run('CREATE TEMPORARY TABLE state SELECT 6 AS code');
  expect(await cancel(shop, 1)).toMatchObject({ outcome: 'cancelled' });
  expect(await sweep(shop)).toMatchObject({ cancelled: 1, failed: 0 });
  expect(await shop.column('SELECT state FROM voucher')).toEqual([5, 5]);
  expect(await shop.column('SELECT state FROM log')).toEqual([1, 1]);
});

it('an orders table may have the name of its alias; what a cancellation sets needs none', async () => {
  const shop = await createDeployed(
    `${purchases('version INT NOT NULL DEFAULT 1')}
     RENAME TABLE purchase TO o;
     CREATE TABLE voucher (id BIGINT PRIMARY KEY, purchase_id BIGINT NULL);
     INSERT INTO o (id) VALUES (1);`,
    ordersOf('o', 'set: {version: version + 1}') + held('voucher'),
  );
  expect(await cancel(shop, 1)).toMatchObject({ outcome: 'cancelled' });
  expect(await shop.column('SELECT version FROM o')).toEqual([2]);
});

it('columns may have names beyond ASCII, also where an expression says them', async () => {
  const shop = await createDeployed(
    `${purchases('`prämie` INT NOT NULL DEFAULT 0, pr INT NOT NULL DEFAULT 1')}
CREATE TABLE konto (nr BIGINT PRIMARY KEY, 积分 INT NOT NULL DEFAULT 0, gelöscht INT NOT NULL DEFAULT 0);
INSERT INTO konto (nr) VALUES (7);
INSERT INTO purchase (id, prämie) VALUES (1, 50);`,
    `${ordersOf('purchase', 'set: {prämie: o.prämie - 1}')}
give_back:
  bonus:
    order: {target: o.user_id, amount: o.prämie}
    target: {table: konto, id: nr, only: target.gelöscht = 0}
    add: 积分
`,
  );
  expect(await cancel(shop, 1)).toMatchObject({ returned: { bonus: '50' } });
  expect(await shop.column('SELECT 积分 FROM konto')).toEqual([50]);
  expect(await shop.column('SELECT prämie FROM purchase')).toEqual([49]);
});

it('a journal that was kept, and is loaded before the next deployment, makes a second refund impossible', async () => {
  const file = `${ordersOf('purchase')}
give_back:
  points:
    order: {target: o.user_id, amount: '10'}
    target: {table: guest, id: id}
    add: points
`;
  const shop = await createDeployed(
    `${purchases()}
     CREATE TABLE guest (id BIGINT PRIMARY KEY, points INT NOT NULL DEFAULT 0);
     INSERT INTO guest (id) VALUES (7);
     INSERT INTO purchase (id) VALUES (1), (2);`,
    file,
  );
  await cancel(shop, 1);
  const journal = ['batch', 'cancellation', 'refund', 'finding', 'payment'];
  for (const name of journal)
    await shop.run(`CREATE TABLE kept_${name} LIKE order_timeout_${name}`);
  for (const name of journal.slice(0, 3))
    await shop.run(`INSERT INTO kept_${name} SELECT * FROM order_timeout_${name}`);
  await down(shop.url, { dropJournal: true });

  for (const name of journal) await shop.run(`RENAME TABLE kept_${name} TO order_timeout_${name}`);
  await deployFile(shop, file);
  await shop.run('UPDATE purchase SET status = 0');
  expect(await sweep(shop)).toMatchObject({ cancelled: 2, returned: { points: '10' } });
  expect(await shop.column('SELECT points FROM guest')).toEqual([20]);
});
