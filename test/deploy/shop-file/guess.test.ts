import { expect, it } from 'vitest';
import { withSession } from '../../../scripts/deploy/connection';
import { sayFinding } from '../../../scripts/deploy/errors';
import { guessShopFile } from '../../../scripts/deploy/shop-file/guess';
import { parseShopFile } from '../../../scripts/deploy/shop-file/read';
import { EXAMPLES } from '../../../scripts/dev/shop';
import { createShop, type Shop } from '../../support';
import { tablesOf } from '../../shops/example';
import { check, textOf } from './tables';

const guess = async (shop: Shop) => (await withSession(shop.url, guessShopFile)) ?? '';

it.each(EXAMPLES)('the tables of %s are known', async (example) => {
  expect(await guess(await tablesOf(example))).toBe(await textOf(example));
});

const OTHER_SHOP = `
CREATE TABLE trade_order (
    id BIGINT NOT NULL PRIMARY KEY AUTO_INCREMENT,
    member_id BIGINT NOT NULL,
    order_status SMALLINT NOT NULL COMMENT '10 waits, 20 paid,\n-1 closed',
    pay_time DATETIME NULL,
    create_time DATETIME NOT NULL,
    expire_time DATETIME NULL,
    deleted_at DATETIME NULL
);
CREATE TABLE trade_order_item (id BIGINT PRIMARY KEY, order_id BIGINT, sku_id BIGINT, num INT, status INT, user_id BIGINT, create_time DATETIME);
CREATE TABLE sku (id BIGINT PRIMARY KEY, stock INT);
INSERT INTO trade_order (member_id, order_status, pay_time, create_time) VALUES
    (1, 10, NULL, '2026-01-31 12:00:00'), (1, 20, '2026-01-30 12:00:00', '2026-01-30 11:00:00'),
    (1, 20, '2026-01-29 12:00:00', '2026-01-29 11:00:00'), (1, -1, NULL, '2026-01-28 11:00:00')`;

it('of other tables it says what was found, and what a person has to fill in', async () => {
  const shop = await createShop({ deploy: false, schema: () => OTHER_SHOP });
  const text = await guess(shop);
  expect(text).toMatchInlineSnapshot(`
    "# A guess from the tables that are here. See that each line is right; docs/your-shop.md has every key.
    # Could be the orders, too: trade_order_item
    orders:
      table: trade_order
      id: id
      user: member_id
      created: create_time
      # deadline: expire_time # wins over the age
      paid_at: pay_time
      only: o.deleted_at IS NULL
      status:
        column: order_status # 10 waits, 20 paid, -1 closed
        # The newest orders: code, how many, the newest
        #   20: 2, 2026-01-30 11:00:00, 2 with a pay_time
        #   -1: 1, 2026-01-28 11:00:00
        #   10: 1, 2026-01-31 12:00:00
        pending: 10
        paid: [20]
        cancelled: which code? # left: -1
        # other: [] # codes that are none of these
      # set: {cancelled_at: :now} # what a cancellation sets beside the status
    give_back: # what an order takes; tables that name one:
      #   trade_order_item: id, order_id, sku_id, num, status, user_id
      # stock:
      #   lines: {table: order_item, order: order_id, target: sku_id, amount: quantity}
      #   target: {table: sku, id: id}
      #   add: stock # or "subtract: locked_stock", where an order locks it
      #   shared: true # customers change these rows, too
      # coupon:
      #   held: {by: order_id, if: target.status = 1}
      #   target: {table: user_coupon, id: id}
      #   set: {status: 0, order_id: null}
      # points:
      #   order: {target: o.user_id, amount: o.points}
      #   target: {table: user_account, id: id}
      #   add: points
    "
  `);

  const parsed = parseShopFile(text);
  expect('mistakes' in parsed && parsed.mistakes.map(sayFinding)).toEqual([
    'line 19, orders.status.cancelled: expected a code, as it stands in the column: an integer, or a text of letters and digits, found "which code?". ' +
      'See docs/your-shop.md',
    'line 22, give_back: expected a mapping of kinds to rules, found nothing. See docs/your-shop.md',
  ]);
  const filled = text
    .replace('cancelled: which code?', 'cancelled: -1')
    .replace(/^give_back:.*$/m, 'give_back: {}');
  expect((await check(shop, filled)).mistakes).toEqual([]);
});

it('takes a code for that of paid orders when most of its orders are', async () => {
  const shop = await createShop({
    deploy: false,
    schema: () => `
CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT, status INT, paid_at DATETIME, created_at DATETIME);
INSERT INTO orders VALUES (1, 1, 1, '2026-01-30', '2026-01-30'), (2, 1, 4, NULL, '2026-01-30'), (3, 1, 4, '2026-01-30', '2026-01-30'),
    (4, 1, 0, NULL, '2026-01-31'), (5, 1, 0, NULL, '2026-01-31'), (6, 1, 0, '2026-01-31', '2026-01-31')`,
  });
  expect(await guess(shop)).toContain(`
    pending: 0
    paid: [1]
    cancelled: which code? # left: 4
`);
});

it('of a status that is a text it takes the texts, a number among them in quotes', async () => {
  const shop = await createShop({
    deploy: false,
    schema: () => `
CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT, status VARCHAR(20), paid_at DATETIME, created_at DATETIME);
INSERT INTO orders VALUES (1, 1, '0', '2026-01-30', '2026-01-30'), (2, 1, 'canceled', NULL, '2026-01-30'),
    (3, 1, 'wc-pending', NULL, '2026-01-31')`,
  });
  expect(await guess(shop)).toContain(`
    pending: wc-pending
    paid: ["0"]
    cancelled: which code? # left: canceled
`);
});
