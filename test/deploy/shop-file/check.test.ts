import { beforeAll, describe, expect, it } from 'vitest';
import { applyProposals, checkShopFile } from '../../../scripts/deploy/shop-file/check';
import { usesOf } from '../../../scripts/deploy/shop-file/expressions';
import type { ShopFile } from '../../../scripts/deploy/shop-file/schema';
import type { Shop } from '../../support';
import { tablesOf } from '../../shops/example';
import { check, deployedAs, textOf } from './tables';

let litemall: string;
let mall: string;
beforeAll(async () => {
  litemall = await textOf('litemall');
  mall = await textOf('mall');
});

function edit(text: string, part: string, by: string): string {
  expect(text).toContain(part);
  return text.replace(part, () => by);
}

/** Orders of litemall, the newest last. */
const addOrders = (shop: Shop, status: number, count: number, paid = 'NULL') =>
  shop.run(
    `INSERT INTO litemall_order (user_id, order_sn, order_status, consignee, mobile, address, goods_price, freight_price,
                                 coupon_price, integral_price, groupon_price, order_price, actual_price, add_time, pay_time)
     WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
     SELECT 1, '', ?, '', '', '', 0, 0, 0, 0, 0, 0, 0, '2026-01-31 12:00:00', ${paid} FROM n`,
    [status],
  );

describe('the files of public shops', () => {
  it('fit their tables', async () => {
    expect((await check(await tablesOf('litemall'), litemall)).mistakes).toEqual([]);
    const checked = await check(await tablesOf('mall'), mall);
    expect(checked.mistakes).toEqual([]);
    expect(checked.remarks).toEqual([
      'line 15, give_back.stock.lines.amount: oms_order_item.product_quantity may be NULL. NULL is counted as 0',
      'line 17, give_back.stock.subtract: pms_sku_stock.lock_stock may be NULL. NULL is counted as 0',
      'line 30, give_back.points.add: ums_member.integration may be NULL. NULL is counted as 0',
    ]);
  });

  it('need an index for each way in which rows are looked for, and use what is there', async () => {
    const shop = await tablesOf('mall');
    const needed = async () =>
      (await check(shop, mall)).indexes.map(
        ({ table, columns, name, isThere }) =>
          `${table} (${columns.join(', ')}): ${isThere ? 'has' : 'needs'} ${name}`,
      );
    expect(await needed()).toEqual([
      'oms_order (id): has PRIMARY',
      'oms_order (status, order_type, create_time): needs order_timeout_due',
      'pms_sku_stock (id): has PRIMARY',
      'oms_order_item (order_id): needs order_timeout_order_id',
      'sms_coupon_history (id): has PRIMARY',
      'sms_coupon_history (member_id, coupon_id): needs order_timeout_member_id_coupon_id',
      'oms_order (member_id, coupon_id): needs order_timeout_member_id_coupon_id',
      'ums_member (id): has PRIMARY',
    ]);
    await shop.run('ALTER TABLE oms_order_item ADD INDEX by_order (order_id, product_id)');
    expect(await needed()).toContain('oms_order_item (order_id): has by_order');
    await shop.run('ALTER TABLE oms_order_item ALTER INDEX by_order INVISIBLE');
    expect(await needed()).toContain('oms_order_item (order_id): needs order_timeout_order_id');
  });
});

/** Expressions whose FROM names no table, and the tables that they read. */
const SUBQUERIES: readonly (readonly [string, ...string[]])[] = [
  ["'SELECT' <> 'a refund FROM nobody'"],
  ['(SELECT TRIM(BOTH CHAR(32) FROM 0)) = o.deleted'],
  ["(SELECT MID('10' FROM 2) + EXTRACT(DAY FROM :now)) > o.deleted"],
  [
    '(WITH few AS (SELECT 0 AS n FROM DUAL), more (n) AS (SELECT n FROM few) SELECT MIN(more.n) FROM more) = o.deleted',
  ],
  ['(SELECT COUNT(*) FROM (SELECT 1) AS one JOIN LATERAL (SELECT 2) AS two) > o.deleted'],
  ["EXISTS (SELECT 1 FROM JSON_TABLE('[1]', '$[*]' COLUMNS (n INT PATH '$')) AS list)"],
  ['EXISTS (SELECT 1 FROM `my-words` JOIN litemall_ad AS ad ON TRUE)', 'my-words', 'litemall_ad'],
  ['EXISTS (SELECT TRIM((SELECT 1 FROM litemall_ad LIMIT 1)))', 'litemall_ad'],
  ['EXISTS (WITH wörter AS (SELECT 1) SELECT 1 FROM wörter, größen)', 'größen'],
  [
    'EXISTS (SELECT `from`.id FROM `order` AS `from` JOIN `my-words` AS w ON w.`limit` = `from`.id AND w.group IS NULL, litemall_ad ORDER BY 1)',
    'order',
    'my-words',
    'litemall_ad',
  ],
];

it.each(SUBQUERIES)('what a subquery reads is found: %s', async (only, ...read) => {
  const shop = await tablesOf('litemall');
  for (const name of ['my-words', 'litemall_ad', 'order', 'größen'])
    await shop.run('CREATE TABLE ?? (id INT PRIMARY KEY, `limit` INT, `group` INT)', [name]);
  const file = edit(litemall, 'only: o.deleted = 0', `only: ${JSON.stringify(only)}`);
  expect((await check(shop, file)).mistakes).toEqual([]);
  const { tables } = usesOf(deployedAs(file).file as ShopFile);
  expect([...tables].flatMap(([name, path]) => (path === 'orders.only' ? [name] : []))).toEqual(
    read,
  );
});

it('a table that the server calls by small letters (lower_case_table_names) is not just missing', async () => {
  const { facts } = await check(await tablesOf('litemall'), litemall);
  const file = deployedAs(
    litemall.replace('table: litemall_order\n', 'table: Litemall_Order\n'),
  ).file;
  const { findings } = checkShopFile(
    { file: file as ShopFile, withLines: (all) => [...all] },
    facts,
  );
  expect(findings[0]).toMatchObject({
    about: 'orders.table',
    remedy: 'The server calls it litemall_order: write that',
  });
});

/** What is wrong with litemall's tables, and what is said of it. */
const WRONG_TABLES = {
  'DROP TABLE litemall_coupon_user':
    'line 26, give_back.coupon.target.table: litemall_coupon_user is missing, or this account may not see it. Mend its name, or grant SELECT on it',
  'DROP TABLE litemall_coupon_user; CREATE VIEW litemall_coupon_user AS SELECT 1 AS id':
    'line 26, give_back.coupon.target.table: litemall_coupon_user is a view. Name the table behind it',
  'ALTER TABLE litemall_coupon_user ENGINE = MyISAM':
    'line 26, give_back.coupon.target.table: litemall_coupon_user is MyISAM. Refunds need transactions: make it InnoDB',
  'ALTER TABLE litemall_order RENAME COLUMN add_time TO added_time':
    'line 6, orders.created: litemall_order has no column add_time. There is id, user_id, order_sn,',
  'ALTER TABLE litemall_goods_product MODIFY number DECIMAL(10, 2) NOT NULL':
    'line 21, give_back.stock.add: litemall_goods_product.number is decimal(10,2): expected an integer type. Fractions get lost when they are added up: keep amounts in the smallest unit',
  'ALTER TABLE litemall_order_goods MODIFY order_id VARCHAR(32) NOT NULL':
    'line 19, give_back.stock.lines.order: litemall_order_goods.order_id is varchar(32): expected an integer type',
  'ALTER TABLE litemall_order MODIFY add_time BIGINT':
    'line 6, orders.created: litemall_order.add_time is bigint: expected DATETIME or TIMESTAMP',
  'ALTER TABLE litemall_coupon_user MODIFY id INT NOT NULL, DROP PRIMARY KEY':
    'line 26, give_back.coupon.target.id: litemall_coupon_user has no PRIMARY KEY or UNIQUE KEY on (id). Rows are found and locked by it: add one. A table that is partitioned',
  'ALTER TABLE litemall_coupon_user DROP COLUMN status, ADD status INT AS (user_id)':
    'line 27, give_back.coupon.set.status: litemall_coupon_user.status is a generated column',
  'ALTER TABLE litemall_order MODIFY order_status TINYINT NOT NULL':
    "line 10, orders.status.column: litemall_order.order_status is tinyint and can't be 201, 301, 401, 402, 202 and 203",
  "ALTER TABLE litemall_order MODIFY order_status ENUM('101', '102', '103', '104', '201', '301', '401', '402', '202')":
    'litemall_order.order_status is enum(',
};

describe('a shop file is refused, with the line and what was found', () => {
  it.each(Object.entries(WRONG_TABLES))('after %s', async (statements, sentence) => {
    const shop = await tablesOf('litemall');
    for (const statement of statements.split('; ')) await shop.run(statement);
    const { mistakes } = await check(shop, litemall);
    expect(mistakes.filter((mistake) => mistake.includes(sentence))).toHaveLength(1);
  });

  it.each([
    [
      'o.removed = 0',
      'o.deleted = 0',
      /^line 8, orders\.only: litemall_order has no column removed\. There is /,
    ],
    [
      'o.is_deleted = 0',
      'o.deleted = 0',
      /^line 8, orders\.only: litemall_order has no column is_deleted\. There is deleted$/,
    ],
    [
      'NOT_A_FUNCTION(o.deleted)',
      'o.deleted = 0',
      /^line 8, orders\.only: the server refuses "NOT_A_FUNCTION\(o\.deleted\)": FUNCTION .*NOT_A_FUNCTION does not exist\. Mend/,
    ],
    [
      '{order_sn: null, end_time: :now',
      '{end_time: :now',
      /^line 15, orders\.set\.order_sn: litemall_order\.order_sn is NOT NULL, and the file sets it to NULL/,
    ],
    [
      `{pay_id: "'${'x'.repeat(64)}'", end_time: :now`,
      '{end_time: :now',
      /^line 15, orders\.set\.pay_id: litemall_order\.pay_id is varchar\(63\) and can't be 'x{64}'\. Make the column longer/,
    ],
    [
      'points: {order: {target: user_id, amount: o.integral_price}, target: {table: litemall_user, id: id}, add: status}\n  coupon:\n',
      'coupon:\n',
      /^line 24, give_back\.points\.order\.target: the server refuses "user_id": Column 'user_id' in .* is ambiguous\. Mend the expression/,
    ],
    [
      '{comments: :cause, end_time: :now',
      '{end_time: :now',
      /^line 15, orders\.set\.comments: litemall_order\.comments is smallint and can't be 'timeout', 'user' and 'admin'\. Make/,
    ],
    [
      '{comments: :now, end_time: :now',
      '{end_time: :now',
      /^line 15, orders\.set\.comments: litemall_order\.comments is smallint and can't be '2026-\d\d-\d\d 12:00:00\.000'\. Make/,
    ],
    [
      'set: {status: 40000,',
      'set: {status: 0,',
      /^line 27, give_back\.coupon\.set\.status: litemall_coupon_user\.status is \w+ and can't be '\d+'\. Make/,
    ],
    [
      '    ledger: {table: litemall_user, write: {nickname: "\'back\'"}}\n',
      '    shared: true\n',
      /^line 23, give_back\.stock\.ledger\.write: litemall_user\.username is NOT NULL without a default, and rows are added/,
    ],
    [
      'points: {order: {target: o.user_id, amount: o.integral_price}, target: {table: litemall_user, id: id}, add: status}\n  coupon:\n',
      'coupon:\n',
      /^line 24, give_back\.points\.order\.amount: "o\.integral_price" is no integer\. Ids and amounts must be integers/,
    ],
  ])('with %s', async (by, part, sentence) => {
    const shop = await tablesOf('litemall');
    const { mistakes } = await check(shop, edit(litemall, part, by));
    expect(mistakes.filter((mistake) => sentence.test(mistake))).toHaveLength(1);
  });

  it.each([
    ['nope', /due: the server refuses "view\.sql": Unknown column 'nope' in /],
    [
      'order_timeout_due',
      /due: the server refuses "view\.sql": Unknown column 'order_timeout_due' in /,
    ],
    ['FROM', /due: the server refuses "view\.sql": You have an error in your SQL syntax/],
    ['number * 1.5', /due: "view\.sql" is no integer\. Ids and amounts must be integers/],
  ])('with a view of its own that takes %s', async (taken, sentence) => {
    const shop = await tablesOf('litemall');
    const lines =
      'lines: {table: litemall_order_goods, order: order_id, target: product_id, amount: number, only: line.deleted = 0}';
    const due = 'due: view.sql\n    reach: [{id: o.id}]';
    const view = `SELECT order_id, 1 AS user_id, product_id AS target_id, product_id AS account_id, ${taken} AS taken, 0 AS returned, 'lines' AS source FROM litemall_order_goods`;
    const { mistakes } = await check(shop, edit(litemall, lines, due), undefined, {
      'view.sql': view,
    });
    expect(mistakes).toEqual([expect.stringMatching(sentence)]);
  });

  it('with texts that MySQL will not compare', async () => {
    const shop = await tablesOf('litemall');
    await shop.run('ALTER TABLE litemall_coupon_user ADD code CHAR(9) COLLATE utf8mb4_unicode_ci');
    await shop.run('ALTER TABLE litemall_order ADD code CHAR(9) COLLATE utf8mb4_general_ci');
    const by = 'named: {target: o.id, by: {code: o.code}, ';
    const { mistakes } = await check(shop, edit(litemall, 'held: {by: order_id, ', by));
    expect(mistakes).toEqual([
      expect.stringMatching(
        /^line 25, give_back\.coupon\.named\.by\.code: the server refuses "o\.code": Illegal mix of collations /,
      ),
    ]);
  });

  it('with all mistakes at once', async () => {
    const shop = await tablesOf('litemall');
    await shop.run('DROP TABLE litemall_coupon_user');
    await shop.run('ALTER TABLE litemall_order DROP COLUMN update_time, DROP COLUMN add_time');
    const { mistakes } = await check(shop, litemall);
    expect(mistakes.map((mistake) => mistake.split(':')[0])).toEqual([
      'line 26, give_back.coupon.target.table',
      'line 6, orders.created',
      'line 15, orders.set.update_time',
      'line 16, orders.paid_set.update_time',
    ]);
  });
});

describe('what the codes of the newest orders say', () => {
  it('is shown, most frequent first', async () => {
    const shop = await tablesOf('litemall');
    await addOrders(shop, 201, 3, 'NOW()');
    await addOrders(shop, 101, 2);
    expect((await check(shop, litemall)).remarks).toContain(
      'line 10, orders.status.column: the newest 5 orders: 201: 3 (3 with a paid time, newest 2026-01-31 12:00:00); ' +
        '101: 2 (newest 2026-01-31 12:00:00). See that each code is where it belongs',
    );
  });

  it('is a remark when one in a hundred is not in the file, and a mistake when more are', async () => {
    const shop = await tablesOf('litemall');
    await addOrders(shop, 201, 99);
    await addOrders(shop, 150, 1);
    const few = await check(shop, litemall);
    expect(few.mistakes).toEqual([]);
    expect(few.remarks.join()).toContain(
      "of the newest 100 orders 1 have a status that the file doesn't name: 150: 1",
    );
    await addOrders(shop, 150, 1);
    expect((await check(shop, litemall)).mistakes).toEqual([
      "line 10, orders.status.column: of the newest 101 orders 2 have a status that the file doesn't name: " +
        '150: 2 (newest 2026-01-31 12:00:00). Write each into paid, cancelled or other',
    ]);
    await shop.run('ALTER TABLE litemall_order MODIFY order_status SMALLINT NULL');
    await shop.run('UPDATE litemall_order SET order_status = NULL WHERE order_status = 150');
    expect((await check(shop, litemall)).mistakes.join()).toMatch(
      /NULL: 2 .+ or other; give orders without one theirs$/,
    );
  });

  it('is a mistake when most pending orders have a paid time, also without paid_at in the file', async () => {
    const shop = await tablesOf('litemall');
    await addOrders(shop, 101, 2, 'NOW()');
    await addOrders(shop, 101, 1);
    const sentence =
      'orders.status.pending: of 3 pending orders 2 have a paid time. Unpaid orders have another code than 101';
    expect((await check(shop, litemall)).mistakes.join()).toContain(sentence);
    const without = edit(litemall, '  paid_at: pay_time\n', '');
    expect((await check(shop, without)).mistakes.join()).toContain(sentence);
    await addOrders(shop, 101, 1);
    expect((await check(shop, litemall)).mistakes).toEqual([]);
  });

  it('leaves out the orders that the file leaves out', async () => {
    const shop = await tablesOf('litemall');
    await addOrders(shop, 150, 1);
    await shop.run('UPDATE litemall_order SET deleted = 1');
    expect((await check(shop, litemall)).mistakes).toEqual([]);
  });
});

describe('a kind that has rows in the journal', () => {
  it.each([
    [
      'vanish',
      (text: string) => text.replace(/ {2}coupon:[^]*?(?=must:)/, ''),
      'give_back.coupon: the journal has refunds of the kind coupon, and the file has it no longer',
    ],
    [
      'change its table',
      (text: string) =>
        text.replace('table: litemall_coupon_user, id: id', 'table: litemall_user, id: id'),
      'the journal has refunds of litemall_coupon_user.id by the row, and the file says litemall_user.id by the row',
    ],
    [
      'change its target',
      (text: string) =>
        text.replace(
          'held: {by: order_id, if: target.status = 1 AND target.deleted = 0}',
          'named: {target: o.id, by: {order_id: o.id}}',
        ),
      'and the file says litemall_coupon_user.id by o.id. Leave it, and add a kind of another name',
    ],
  ])("can't %s", async (_, change, sentence) => {
    const shop = await tablesOf('litemall');
    const changed = change(litemall);
    expect(changed).not.toBe(litemall);
    const deployed = deployedAs(litemall, 'coupon', 'stock');
    expect((await check(shop, changed, deployed)).mistakes.join()).toContain(sentence);
    expect(
      (await check(shop, changed, deployedAs(litemall, 'stock'))).mistakes.filter((mistake) =>
        mistake.includes('journal'),
      ),
    ).toEqual([]);
  });

  it('can have another name, once that says what it was', async () => {
    const shop = await tablesOf('litemall');
    const renamed = edit(litemall, '  coupon:\n', '  voucher:\n    was: coupon\n');
    const deployed = deployedAs(litemall, 'coupon');
    expect((await check(shop, renamed, deployed)).mistakes).toEqual([]);
  });
});

describe('what the file leaves out and most likely should say', () => {
  it('is proposed, and can be taken with the comments kept', async () => {
    const shop = await tablesOf('litemall');
    const without = edit(litemall, '  paid_at: pay_time\n', '');
    const { findings, remarks } = await check(shop, without);
    expect(remarks).toEqual([
      'line 2, orders.paid_at: litemall_order has a column pay_time. ' +
        'With "paid_at: pay_time" a pending order that has one is never cancelled; up --yes writes it',
      'line 19, give_back.stock.target.only: litemall_goods_product has a column deleted. ' +
        'With "only: target.deleted = 0" in target a dead row gets nothing, and that is a finding; up --yes writes it',
    ]);
    const taken = applyProposals(without, findings);
    expect(taken).toContain('# update_time is its optimistic lock');
    const again = await check(shop, taken);
    expect(again.mistakes).toEqual([]);
    expect(again.remarks).toEqual([]);
  });

  it('is not a paid time in seconds, which would be refused', async () => {
    const shop = await tablesOf('litemall');
    await shop.run('ALTER TABLE litemall_order MODIFY pay_time INT NULL');
    const { remarks } = await check(shop, edit(litemall, '  paid_at: pay_time\n', ''));
    expect(remarks).toEqual([expect.stringContaining('litemall_goods_product')]);
  });
});
