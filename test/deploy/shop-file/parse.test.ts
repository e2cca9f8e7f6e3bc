import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sayFinding } from '../../../scripts/deploy/errors';
import { assembleShop, parseShopFile } from '../../../scripts/deploy/shop-file/read';

const SHOPS = join(__dirname, '../../../sql/shops');

/** Valid, with a line for each thing that a test breaks. */
const FILE = `orders:
  table: shop_order
  id: id
  user: user_id
  created: created_at
  status:
    column: status
    pending: 1
    paid: [2, 3]
    cancelled: {timeout: 4, user: 5, admin: 5}
  set: {closed_at: :now}
give_back:
  stock:
    lines: {table: shop_line, order: order_id, target: sku_id, amount: quantity, only: line.gift = 0}
    target: {table: sku, id: id}
    add: stock
    shared: true
  coupon:
    held: {by: order_id}
    target: {table: coupon, id: id}
    set: {state: 0, used_at: null}
  points:
    order: {target: o.user_id, amount: o.points}
    target: {table: account, id: id}
    add: points
    ledger:
      table: points_log
      write: {user_id: refund.user_id, points: refund.amount, why: "CONCAT('order ', refund.order_id)"}
`;

const [HELD, ADD, GIFT] = ['    held: {by: order_id}\n', '    add: stock\n', 'line.gift = 0'];
const [ORDER, POINTS] = ['    order: {target: o.user_id, amount: o.points}\n', '    add: points\n'];
const STATE = '    set: {state: 0, used_at: null}\n';
const ONLY = 'line 14, give_back.stock.lines.only';

/** Each mistake of the text as one sentence. */
function mistakesIn(text: string): string[] {
  const parsed = parseShopFile(text);
  return 'mistakes' in parsed ? parsed.mistakes.map(sayFinding) : [];
}

/** `by`: $& in it is the part. */
function broken(part: string, by: string): string {
  expect(FILE).toContain(part);
  return FILE.replace(part, by);
}

describe('a shop file', () => {
  it('is read', () => {
    const parsed = parseShopFile(FILE);
    expect(parsed).toMatchObject({
      text: FILE,
      file: {
        orders: {
          table: 'shop_order',
          status: { pending: 1, paid: [2, 3], cancelled: { timeout: 4, user: 5, admin: 5 } },
          set: { closed_at: ':now' },
        },
        give_back: { coupon: { held: { by: 'order_id' }, set: { state: 0, used_at: null } } },
      },
    });
  });

  it('may say one code where a list can stand, and one for every cause', () => {
    const parsed = parseShopFile(
      FILE.replace('paid: [2, 3]', 'paid: 2').replace(/cancelled: \{.*\}/, 'cancelled: 4'),
    );
    expect(parsed).toMatchObject({
      file: { orders: { status: { paid: [2], cancelled: { timeout: 4, user: 4, admin: 4 } } } },
    });
  });

  it.each(readdirSync(SHOPS).filter((name) => name.endsWith('.yaml')))('%s is right', (name) => {
    expect(mistakesIn(readFileSync(join(SHOPS, name), 'utf8'))).toEqual([]);
  });

  it.each([
    ['YAML that is none', 'id: id\n', 'id: [id\n', 'line 4, yaml: '],
    ['a key twice', '  user: user_id\n', '  user: a\n  user: b\n', 'line 5, yaml: Map keys must'],
    ['no orders', 'orders:', 'order:', 'line 1, orders: expected'],
    ['a column that is missing', '  created: created_at\n', '', 'line 1, orders.created: expected'],
    ['a key that is none', '  id: id\n', '  id: id\n  x: y\n', 'line 4, orders.x: unknown "x"'],
    ['a number for a column', 'user: user_id', 'user: 7', 'line 4, orders.user: expected a column'],
    ['a code that is none', 'pending: 1', 'pending: 1.5', 'line 8, orders.status.pending: exp'],
    [
      'a code with a quote',
      'pending: 1',
      "pending: it's new",
      'line 8, orders.status.pending: exp',
    ],
    ['a code in capitals', '[2, 3]', '[gone, GONE]', 'line 9, orders.status.paid: GONE is named'],
    ['no code of a paid order', '[2, 3]', '[]', 'line 9, orders.status.paid: expected a list of'],
    ['a cause without a code', ', admin: 5', '', 'line 10, orders.status.cancelled.admin: exp'],
    ['a code that means two things', '[2, 3]', '[2, 4]', 'line 10, orders.status.cancelled: 4 is'],
    ['a status that is set twice', ':now}', ':now, Status: 3}', 'line 11, orders.set.Status: St'],
    ['an amount that is set, too', ADD, '$&    set: {stock: 0}\n', 'line 17, give_back.stock.set'],
    ['a comma between braces', ':now}', 'IF(1, :now, NULL)}', 'line 11, orders.set.NULL): exp'],
    ['a kind that can be no name', '  stock:', '  Stock-1:', 'line 13, give_back.Stock-1: exp'],
    ['a kind that is our own name', '  stock:', '  pending:', 'line 13, give_back.pending: exp'],
    ['a rule without a way', 'held: {by: order_id}', 'floor: 0', 'line 18, give_back.coupon: exp'],
    ['a rule with two ways', HELD, '$&    due: x.sql\n', 'line 20, give_back.coupon.due: exp'],
    ['a rule that does nothing', STATE, '', 'line 18, give_back.coupon: expected add, subtract or'],
    ['add and subtract', ADD, '$&    subtract: b\n', 'line 17, give_back.stock.subtract: there'],
    ['a floor for what grows', ADD, '$&    floor: 0\n', 'line 17, give_back.stock.floor: ther'],
    ['an amount unwritten', ADD, '$&    journal: false\n', 'line 17, give_back.stock.journal: '],
    ['no such day', HELD, '$&    since: 2026-02-31\n', 'line 20, give_back.coupon.since: exp'],
    ['one order’s row shared', HELD, '$&    shared: true\n', 'line 20, give_back.coupon.shar'],
    [
      'a balance of no amount',
      HELD,
      '$&    ledger: {table: l, write: {left: refund.balance}}\n',
      'line 20, give_back.coupon.ledger.write: without',
    ],
    ['a shared ledger', POINTS, '$&    shared: true\n', 'line 27, give_back.points.ledger:'],
    [
      'a view without a way',
      ORDER,
      '    due: points.sql\n',
      'line 23, give_back.points.due: expec',
    ],
    [
      'a view that is no file',
      ORDER,
      '    due: ../p.sql\n',
      'line 23, give_back.points.due: expec',
    ],
    ['what a view has', ADD, '$&    tells: [copies]\n', 'line 17, give_back.stock.tells: it be'],
    [
      'a shared row that keeps its state',
      ADD,
      '$&    tells: [keeps_state]\n',
      'line 17, give_back.stock.tells: a sh',
    ],
    ['a text without end', GIFT, "line.gift = 'no", `${ONLY}: "line.gift = 'no" is no expression`],
    ['a parenthesis without end', GIFT, `(${GIFT}`, `${ONLY}: "(line.gift = 0" is no expression`],
    ['two statements', GIFT, '$&; DROP', `${ONLY}: "line.gift = 0; DROP" is no expression: "`],
    ['a word without meaning', ':now}', ':day}', 'line 11, orders.set.closed_at: :day means nothi'],
    ['a name without a meaning', GIFT, 'target.gift = 0', `${ONLY}: target means nothing here`],
    ['a kind taken over twice', HELD, '$&    was: stock\n', 'line 20, give_back.coupon.was: s'],
  ])('with %s is refused, with the line', (_, part, by, beginning) => {
    const found = mistakesIn(broken(part, by));
    expect(found.find((mistake) => mistake.startsWith(beginning)) ?? found).toEqual(
      expect.stringMatching(/\. [A-Z]/),
    );
  });

  it('has all its mistakes reported at once, in the order of the lines', () => {
    const text = FILE.replace('user: user_id', 'user: 7')
      .replace('pending: 1', 'pending: [1]')
      .replace('add: stock', 'add: 5');
    expect(mistakesIn(text).map((mistake) => /^line \d+/.exec(mistake)?.[0])).toEqual([
      'line 4',
      'line 8',
      'line 16',
    ]);
  });

  it('names no table or column by an expression', () => {
    expect(mistakesIn(FILE.replace('table: sku', 'table: "sku; DROP TABLE sku"'))).toEqual([
      'line 15, give_back.stock.target.table: expected a table, found "sku; DROP TABLE sku". See docs/your-shop.md',
    ]);
  });

  it('takes what is quoted for no name and no word', () => {
    expect(mistakesIn(FILE.replace('line.gift = 0', "line.gift <> 'a;b (:never) x.y'"))).toEqual(
      [],
    );
  });
});

describe('the views of a shop file', () => {
  const FILE_WITH_VIEW = FILE.replace(
    'order: {target: o.user_id, amount: o.points}',
    'due: points_due.sql\n    reach: [{id: o.user_id}]',
  );

  it('stand beside it', () => {
    expect(assembleShop(FILE_WITH_VIEW, { 'points_due.sql': 'SELECT 1' })).toMatchObject({
      due: new Map([['points', 'SELECT 1']]),
    });
  });

  it('are missed with the line', () => {
    const shop = assembleShop(FILE_WITH_VIEW, {});
    expect('mistakes' in shop && shop.mistakes.map(sayFinding)).toEqual([
      'line 23, give_back.points.due: there is no file points_due.sql. It stands beside the shop file',
    ]);
  });
});
