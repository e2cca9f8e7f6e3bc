import { describe, expect, it } from 'vitest';
import type { Shop } from '../support';
import { call, cancel, createDeployed, createTables, deployFile } from './example';
import { GUESTS_POINTS, ordersOf, purchases, sweep } from './example';

describe('an order whose status is a text', () => {
  const STATUS = 'VARCHAR(191) COLLATE utf8mb4_unicode_ci';
  const CODES =
    '{column: status, pending: pending, paid: [processing, completed], other: fraud, cancelled: {timeout: canceled, user: closed by user, admin: canceled}}';
  const file = (codes: string) =>
    ordersOf('purchase').replace(/\{column: status.*\}/, codes) + GUESTS_POINTS;
  const schema = (status: string) => `
${purchases('points INT NOT NULL DEFAULT 0').replace(/status INT.*,/, `status ${status} NULL,`)}
CREATE TABLE guest (id BIGINT PRIMARY KEY, points INT NOT NULL DEFAULT 0);
INSERT INTO guest (id) VALUES (7);
INSERT INTO purchase (id, points, status)
VALUES (1, 10, 'pending'), (2, 20, 'pending'), (3, 40, 'Pending '), (4, 80, 'processing'), (5, 160, 'fraud'), (6, 320, 'completed');
`;
  const statuses = (shop: Shop) => shop.column('SELECT status FROM purchase ORDER BY id');

  it('is cancelled, held, paid and explained by it', async () => {
    const shop = await createDeployed(schema(STATUS), file(CODES));
    await shop.run('UPDATE purchase SET status = NULL WHERE id = 6');

    expect(await call(shop, 'cancel_order', 2, 7, null)).toMatchObject([{ outcome: 'cancelled' }]);
    expect(await call(shop, 'hold_order', 3, 5, '')).toMatchObject([{ outcome: 'held' }]);
    expect(await call(shop, 'hold_order', 4, 5, '')).toMatchObject([{ outcome: 'not_pending' }]);
    expect(await cancel(shop, 5)).toMatchObject({ outcome: 'not_pending' });
    expect(await call(shop, 'repair_missing_refund', 4)).toEqual([]);
    expect(await sweep(shop)).toMatchObject({
      cancelled: 1,
      failed: 0,
      returned: { points: '10' },
    });
    expect(await call(shop, 'accept_payment', 3, 'a')).toMatchObject([{ outcome: 'accepted' }]);
    expect(await call(shop, 'accept_payment', 2, 'b')).toMatchObject([{ outcome: 'too_late' }]);
    expect(await call(shop, 'accept_payment', 5, 'c')).toMatchObject([{ outcome: 'not_payable' }]);
    expect(await statuses(shop)).toEqual([
      'canceled',
      'closed by user',
      'processing',
      'processing',
      'fraud',
      null,
    ]);
    expect(await shop.column('SELECT points FROM guest')).toEqual([30]);

    const told = await call<{ detail: string }>(shop, 'explain_order_timeout', 5);
    expect(told.map(({ detail }) => detail)).toContain(
      'The order has status fraud, which is not pending (pending).',
    );
    expect(await call(shop, 'order_deadlines', '[1, 2, 3, 4, 5, 6]')).toMatchObject([
      { state: 'cancelled' },
      { state: 'cancelled' },
      { state: 'paid' },
      { state: 'paid' },
      { state: 'excluded' },
      { state: 'excluded' },
    ]);
  });

  it.each(['latin1', 'gbk', 'big5'])('may stand in it in %s', async (charset) => {
    const [open, dead] = charset === 'latin1' ? ['geöffnet', 'gelöscht'] : ['未付款', '取消'];
    const shop = await createDeployed(
      schema(`VARCHAR(20) CHARACTER SET ${charset}`).replace(/'pending'/g, `'${open}'`),
      file(
        `{column: status, pending: ${open}, paid: processing, other: [fraud, completed, pending], cancelled: ${dead}}`,
      ),
    );
    expect(await cancel(shop, 1)).toMatchObject({ outcome: 'cancelled' });
    expect(await sweep(shop)).toMatchObject({ cancelled: 1, failed: 0 });
    expect((await statuses(shop)).slice(0, 3)).toEqual([dead, dead, 'Pending ']);
  });

  it('is found by an index with all of it, oldest first', async () => {
    const shop = await createDeployed(
      `${schema(STATUS)} ALTER TABLE purchase ADD KEY (status(32), created_at);`,
      file(CODES),
    );
    const [plan] = await shop.column(
      'EXPLAIN FORMAT = TREE SELECT order_id FROM order_timeout_shop_pending ORDER BY due_from LIMIT 10',
    );
    expect(plan).toMatch(
      /^-> Limit: 10 .*\n *-> Covering index lookup on o using order_timeout_due/,
    );
  });

  const TEXT = 'VARCHAR(191) COLLATE';
  const NUMBERS = '{column: status, pending: 0, paid: 1, cancelled: 2}';
  it.each([
    [STATUS, 'other: fraud', 'other: 5', "varchar(191) and can't be 5. Write the texts that"],
    [STATUS, 'pending: pending', 'pending: new', "3 have a status that the file doesn't name: Pen"],
    [`${TEXT} utf8mb4_bin`, '', '', "1 have a status that the file doesn't name: Pending : 1"],
    [`${TEXT} latin1_bin`, 'closed by user', '已关闭', "can't be 已关闭. Write the texts"],
    ["ENUM('pending', 'processing', 'completed', 'fraud')", '', '', "can't be canceled and closed"],
    ['VARCHAR(256)', '', '', 'varchar(256): expected an integer type, ENUM, or VARCHAR of at most'],
    ['INT', '', '', /status is int and can't be pending, processing.+ Write the integers that/],
    ['DECIMAL(2)', CODES, NUMBERS, /^[^\n]+ decimal\(2,0\): expected an integer type, [^\n]+$/],
  ])('that is %s, with %s as %s is refused', async (status, code, as, complaint) => {
    const shop = await createTables(`SET sql_mode = ''; ${schema(status)}`);
    await expect(deployFile(shop, file(CODES.replace(code, as)))).rejects.toThrow(complaint);
  });
});

it('an order of which a trigger takes the status back is neither cancelled nor paid, and gets nothing', async () => {
  const shop = await createDeployed(
    `${purchases('points INT NOT NULL DEFAULT 10')}
CREATE TABLE guest (id BIGINT PRIMARY KEY, points INT NOT NULL DEFAULT 0);
INSERT INTO guest (id) VALUES (7);
INSERT INTO purchase (id) VALUES (1), (2), (3);
CREATE TRIGGER no_way_back BEFORE UPDATE ON purchase FOR EACH ROW
    SET NEW.status = CASE NEW.id WHEN 1 THEN OLD.status WHEN 2 THEN NEW.status + 10 ELSE NEW.status END;`,
    ordersOf('purchase').replace('cancelled: 2', 'cancelled: 2, other: [11, 12]') + GUESTS_POINTS,
  );

  await expect(call(shop, 'accept_payment', 1, 'R')).rejects.toThrow(
    /^STATUS_UNCHANGED: .*trigger/,
  );
  await expect(cancel(shop, 1)).rejects.toMatchObject({ errno: 50010 });
  // What it makes of a status beside that is the shop's.
  expect(await sweep(shop)).toMatchObject({ cancelled: 2, failed: 1, returned: { points: '20' } });
  expect(await shop.column('SELECT status FROM purchase ORDER BY id')).toEqual([0, 12, 2]);
  expect(await shop.column('SELECT points FROM guest')).toEqual([20]);
  expect(await shop.column('SELECT reference FROM order_timeout_payment')).toEqual([]);
  expect(await shop.column('SELECT error_number FROM order_timeout_failure')).toEqual([50010]);
});

describe('an order whose status follows from other columns', () => {
  const SCHEMA = `
${purchases(`paid TINYINT NOT NULL DEFAULT 0, is_del TINYINT NOT NULL DEFAULT 0, note INT NULL, points INT NOT NULL DEFAULT 10,
    state TINYINT AS (IF(is_del, 9, IF(paid, 2, 1))) VIRTUAL INVISIBLE`)}
ALTER TABLE purchase DROP COLUMN status, DROP COLUMN created_at, ADD add_time INT UNSIGNED NOT NULL DEFAULT (UNIX_TIMESTAMP() - 3600);
ALTER TABLE purchase ADD placed_at DATETIME AS ('1970-01-01' + INTERVAL add_time SECOND) VIRTUAL INVISIBLE;
CREATE TABLE guest (id BIGINT PRIMARY KEY, points INT NOT NULL DEFAULT 0);
INSERT INTO guest (id) VALUES (7);
INSERT INTO purchase (id) VALUES (1), (2), (3);
INSERT INTO purchase (id, add_time) VALUES (4, UNIX_TIMESTAMP() - 1700);
`;
  const file = (...sets: readonly string[]) =>
    ordersOf('purchase', ...sets)
      .replace(/\{column: status.*\}/, '{column: state, pending: 1, paid: 2, cancelled: 9}')
      .replace('created_at', 'placed_at') + GUESTS_POINTS;
  const state = (shop: Shop) =>
    shop.column("SELECT CONCAT_WS(' ', id, paid, is_del, state) FROM purchase ORDER BY id");

  it('is cancelled and paid by them', async () => {
    const shop = await createDeployed(SCHEMA, file('set: {is_del: 1}', 'paid_set: {paid: 1}'));

    expect(await cancel(shop, 1)).toMatchObject({ outcome: 'cancelled' });
    expect(await call(shop, 'accept_payment', 2, 'a')).toMatchObject([{ outcome: 'accepted' }]);
    expect(await sweep(shop)).toMatchObject({ cancelled: 1, failed: 0 });
    expect(await state(shop)).toEqual(['1 0 1 9', '2 1 0 2', '3 0 1 9', '4 0 0 1']);
    expect(await shop.column('SELECT points FROM guest')).toEqual([20]);
    const written =
      "SELECT column_name FROM mysql.columns_priv WHERE db = DATABASE() AND table_name = 'purchase' ORDER BY 1";
    expect(await shop.column(written)).toEqual(['is_del', 'paid']);
  });

  it('that does not follow from what is set is left as it is, and somebody is told', async () => {
    const shop = await createDeployed(SCHEMA, file('set: {note: 1}', 'paid_set: {note: 2}'));

    await expect(cancel(shop, 1)).rejects.toMatchObject({ errno: 50010 });
    const paid = call(shop, 'accept_payment', 2, 'a');
    await expect(paid).rejects.toThrow(/^STATUS_UNCHANGED: .*: mend set or paid_set$/);
    expect(await sweep(shop)).toMatchObject({ outcome: 'completed', cancelled: 0, failed: 3 });
    expect(await state(shop)).toEqual(['1 0 0 1', '2 0 0 1', '3 0 0 1', '4 0 0 1']);
    expect(await shop.column('SELECT points FROM guest')).toEqual([0]);
    expect(await shop.run('SELECT * FROM order_timeout_payment')).toEqual([]);
    expect(await shop.run('SELECT * FROM order_timeout_refund')).toEqual([]);
  });

  it.each([
    ['paid_set: {paid: 1}', 'set', 'cancelled'],
    ['set: {is_del: 1}', 'paid_set', 'paid'],
    ['set: {}', 'set', 'cancelled'],
  ])('is refused where nothing is set, as with %s alone', async (given, missing, state) => {
    const shop = await createTables(SCHEMA);
    await expect(deployFile(shop, file(given))).rejects.toThrow(
      `orders.${missing}: purchase.state is a generated column, and nothing makes an order ${state}. Set`,
    );
  });
});
