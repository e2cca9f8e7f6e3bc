import { describe, expect, it, onTestFinished } from 'vitest';
import { call, cancel, exampleOfFile, findings, sweep } from '../example';
import type { Shop } from '../../support';

interface OrderOptions {
  readonly minutes?: number;
  readonly status?: number;
  /** Product to pieces; several lines of one product are several pairs. */
  readonly lines?: readonly (readonly [product: number, pieces: number])[];
  /** litemall_coupon_user.id */
  readonly coupon?: number;
  readonly deleted?: boolean;
  readonly paid?: boolean;
}

/** An order as litemall makes it: stock is taken at once, the coupon says which order used it. */
async function order(shop: Shop, options: OrderOptions = {}): Promise<number> {
  const { minutes = 31, status = 101, lines = [], coupon, deleted = false, paid = false } = options;
  const id = shop.nextId('order');
  await shop.run(
    `INSERT INTO litemall_order (id, user_id, order_sn, order_status, consignee, mobile, address, goods_price, freight_price,
                                 coupon_price, integral_price, groupon_price, order_price, actual_price, add_time, pay_time, deleted)
     VALUES (?, 7, ?, ?, '', '', '', 0, 0, 0, 0, 0, 0, 0, NOW() - INTERVAL ? MINUTE, IF(?, NOW(), NULL), ?)`,
    [id, String(id), status, minutes, paid, deleted],
  );
  for (const [product, pieces] of lines) {
    await shop.run(
      "INSERT INTO litemall_order_goods (order_id, product_id, number, specifications) VALUES (?, ?, ?, '')",
      [id, product, pieces],
    );
    await shop.run('UPDATE litemall_goods_product SET number = number - ? WHERE id = ?', [
      pieces,
      product,
    ]);
  }
  if (coupon !== undefined)
    await shop.run(
      'UPDATE litemall_coupon_user SET status = 1, order_id = ?, used_time = NOW() WHERE id = ?',
      [id, coupon],
    );
  return id;
}

const product = async (shop: Shop, id: number, number: number) =>
  shop.run("INSERT INTO litemall_goods_product (id, specifications, number) VALUES (?, '', ?)", [
    id,
    number,
  ]);
const coupon = async (shop: Shop, id: number) =>
  shop.run('INSERT INTO litemall_coupon_user (id, user_id, coupon_id) VALUES (?, 7, 1)', [id]);

const stock = async (shop: Shop, id: number) =>
  (
    await shop.run<{ number: number }>('SELECT number FROM litemall_goods_product WHERE id = ?', [
      id,
    ])
  )[0]?.number;
const couponStatus = async (shop: Shop, id: number) =>
  (
    await shop.run<{ status: number }>('SELECT status FROM litemall_coupon_user WHERE id = ?', [id])
  )[0]?.status;
const statusOf = async (shop: Shop, id: number) =>
  (
    await shop.run<{ s: number }>('SELECT order_status AS s FROM litemall_order WHERE id = ?', [id])
  )[0]?.s;

const emptyShop = exampleOfFile('litemall');

describe('litemall', () => {
  it('gets an unpaid order cancelled with its stock and its coupon', async () => {
    const shop = await emptyShop();
    await product(shop, 1, 10);
    await coupon(shop, 5);
    const id = await order(shop, { lines: [[1, 3]], coupon: 5 });
    const young = await order(shop, { lines: [[1, 1]], minutes: 5 });
    expect(await stock(shop, 1)).toBe(6);

    expect(await sweep(shop)).toMatchObject({
      outcome: 'completed',
      cancelled: 1,
      failed: 0,
      returned: { stock: '3', coupon: '1' },
    });

    expect(await statusOf(shop, id)).toBe(103);
    expect(await statusOf(shop, young)).toBe(101);
    expect(await stock(shop, 1)).toBe(9);
    expect(await couponStatus(shop, 5)).toBe(0);
    const [row] = await shop.run<{ ends: number; updated: number }>(
      'SELECT end_time IS NOT NULL AS ends, update_time IS NOT NULL AS updated FROM litemall_order WHERE id = ?',
      [id],
    );
    expect(row).toEqual({ ends: 1, updated: 1 });
    expect(await sweep(shop)).toMatchObject({ cancelled: 0 });
    expect(await stock(shop, 1)).toBe(9);
    expect(await findings(shop)).toEqual([]);
  });

  it('has a code for who cancelled', async () => {
    const shop = await emptyShop();
    await product(shop, 1, 10);
    const [byUser, byAdmin, byTimeout] = [
      await order(shop, { minutes: 1, lines: [[1, 1]] }),
      await order(shop, { minutes: 1 }),
      await order(shop),
    ];
    expect(await call(shop, 'cancel_order', byUser, 8, null)).toMatchObject([
      { outcome: 'not_owner' },
    ]);
    expect(await call(shop, 'cancel_order', byUser, 7, null)).toMatchObject([
      { outcome: 'cancelled', returned: { stock: '1', coupon: '0' } },
    ]);
    expect(await call(shop, 'cancel_order_as_admin', byAdmin, 'fraud')).toMatchObject([
      { outcome: 'cancelled' },
    ]);
    expect(await cancel(shop, byTimeout)).toMatchObject({ outcome: 'cancelled' });
    expect([
      await statusOf(shop, byUser),
      await statusOf(shop, byAdmin),
      await statusOf(shop, byTimeout),
    ]).toEqual([102, 104, 103]);
  });

  it('owes stock after a call, and gets it with the next sweep', async () => {
    const shop = await emptyShop();
    await product(shop, 1, 10);
    const id = await order(shop, {
      lines: [
        [1, 2],
        [1, 3],
      ],
    });
    expect(await cancel(shop, id)).toMatchObject({
      outcome: 'cancelled',
      returned: { stock: '5' },
    });
    expect(await stock(shop, 1)).toBe(5);
    expect(await call(shop, 'order_money', id)).toMatchObject([
      { kind: 'stock', target_id: 1, taken: 5, owed: 5 },
    ]);
    // Also when the order's lines are gone by then.
    await shop.run('DELETE FROM litemall_order_goods');
    expect(await call(shop, 'order_money', id)).toMatchObject([
      { kind: 'stock', target_id: 1, taken: 5, owed: 5 },
    ]);
    await sweep(shop);
    expect(await stock(shop, 1)).toBe(10);
    expect(await call(shop, 'order_money', id)).toMatchObject([
      { kind: 'stock', target_id: 1, taken: 5, owed: 0 },
    ]);
  });

  it('gets stock back also while the sweep is paused', async () => {
    const shop = await emptyShop();
    await product(shop, 1, 10);
    const id = await order(shop, { lines: [[1, 2]] });
    await cancel(shop, id);
    await shop.run('UPDATE order_timeout_setting SET paused = 1');
    await sweep(shop);
    expect(await stock(shop, 1)).toBe(10);
  });

  it('has 500 orders of one product in a batch', async () => {
    const shop = await emptyShop();
    await product(shop, 1, 0);
    await shop.run(`INSERT INTO litemall_order (id, user_id, order_sn, order_status, consignee, mobile, address, goods_price, freight_price,
        coupon_price, integral_price, groupon_price, order_price, actual_price, add_time)
      WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 500)
      SELECT i, 7, i, 101, '', '', '', 0, 0, 0, 0, 0, 0, 0, NOW() - INTERVAL 40 MINUTE FROM n`);
    await shop.run(
      "INSERT INTO litemall_order_goods (order_id, product_id, number, specifications) SELECT id, 1, 2, '' FROM litemall_order",
    );
    expect(await sweep(shop)).toMatchObject({ cancelled: 500, returned: { stock: '1000' } });
    expect(await stock(shop, 1)).toBe(1000);
  });

  it('gets nothing twice for an order that is set back to unpaid', async () => {
    const shop = await emptyShop();
    await product(shop, 1, 10);
    await coupon(shop, 5);
    const id = await order(shop, { lines: [[1, 3]], coupon: 5 });
    await sweep(shop);
    await shop.run('UPDATE litemall_order SET order_status = 101 WHERE id = ?', [id]);
    expect(await sweep(shop)).toMatchObject({
      cancelled: 1,
      returned: { stock: '0', coupon: '0' },
    });
    expect(await stock(shop, 1)).toBe(10);
    expect(await findings(shop)).toContain(`${id}: second_take stock 1`);
  });

  it('cancels an order whose product is gone, and says so', async () => {
    const shop = await emptyShop();
    await product(shop, 2, 10);
    const id = await order(shop, {
      lines: [
        [1, 3],
        [2, 1],
      ],
    });
    expect(await sweep(shop)).toMatchObject({ cancelled: 1, failed: 0, returned: { stock: '1' } });
    expect(await stock(shop, 2)).toBe(10);
    expect(await findings(shop)).toEqual([`${id}: missing_target stock 1`]);
  });

  it('says so too when the product goes between the cancel and the sweep', async () => {
    const shop = await emptyShop();
    await product(shop, 1, 10);
    const id = await order(shop, { lines: [[1, 3]] });
    await cancel(shop, id);
    await shop.run('DELETE FROM litemall_goods_product');
    await sweep(shop);
    expect(await findings(shop)).toEqual([`${id}: missing_target stock 1`]);
    expect(await shop.run('SELECT * FROM order_timeout_owed')).toEqual([]);

    // A product of that id which comes later did not get it.
    await product(shop, 1, 10);
    await call(shop, 'reconcile_orders', null);
    expect(await findings(shop)).toEqual([`${id}: missing_target stock 1`]);
  });

  it('says nothing of what was given before the product went', async () => {
    const shop = await emptyShop();
    await product(shop, 1, 10);
    const given = await order(shop, { lines: [[1, 3]] });
    await sweep(shop);
    await shop.run('UPDATE litemall_order SET order_status = 101');
    const owed = await order(shop, { lines: [[1, 1]] });
    const customer = await shop.connect();
    await customer.query('START TRANSACTION');
    await customer.query('DELETE FROM litemall_goods_product');

    // Both orders in one batch.
    expect(await sweep(shop)).toMatchObject({ cancelled: 2 });
    await customer.query('COMMIT');
    await sweep(shop);
    await call(shop, 'reconcile_orders', null);
    expect(await findings(shop)).toEqual([
      `${given}: second_take stock 1`,
      `${owed}: missing_target stock 1`,
    ]);
  });

  it('has no order stopped by a product that somebody holds', async () => {
    const shop = await emptyShop();
    await product(shop, 1, 10);
    await product(shop, 2, 10);
    const id = await order(shop, {
      lines: [
        [1, 3],
        [2, 1],
      ],
    });
    const customer = await shop.connect();
    await customer.query('START TRANSACTION');
    await customer.query('UPDATE litemall_goods_product SET number = number - 1 WHERE id = 1');
    expect(await sweep(shop)).toMatchObject({ cancelled: 1 });
    expect(await statusOf(shop, id)).toBe(103);
    expect(await stock(shop, 2)).toBe(10);
    await customer.query('COMMIT');
    expect(await stock(shop, 1)).toBe(6);
    await sweep(shop);
    expect(await stock(shop, 1)).toBe(9);
  });

  it('owes on while somebody holds a lock that the giving needs, and gives it in the next sweep', async () => {
    const shop = await emptyShop();
    await product(shop, 1, 10);
    await product(shop, 2, 10);
    const id = await order(shop, {
      lines: [
        [1, 3],
        [2, 1],
      ],
    });
    await cancel(shop, id);
    await shop.run('DELETE FROM litemall_goods_product WHERE id = 1');
    // The same finding, not yet committed.
    const other = await shop.connect();
    await other.query('START TRANSACTION');
    await other.query(
      `INSERT INTO order_timeout_finding (order_id, kind, target_id, what, opened_at)
       VALUES (?, 'stock', 1, 'missing_target', NOW(3))`,
      [id],
    );
    const owed = () =>
      shop.run('SELECT account_id, amount FROM order_timeout_owed ORDER BY account_id');

    expect(await sweep(shop)).toMatchObject({ outcome: 'completed', failed: 0 });
    expect(await owed()).toEqual([{ account_id: 1, amount: 3 }]);
    // Of two the giving begins with the second.
    expect(await stock(shop, 2)).toBe(10);
    await other.query('ROLLBACK');

    await sweep(shop);
    expect(await owed()).toEqual([]);
    expect(await stock(shop, 2)).toBe(10);
    expect(await findings(shop)).toEqual([`${id}: missing_target stock 1`]);
  });

  describe('when the stock of a product refuses what it is owed', () => {
    const ERROR = 'product 2 is locked by the stocktaking';

    /** Products, each owed 3 pieces of an order of its own. */
    async function withTrigger(signal: string, products = [1, 2, 3]) {
      const shop = await emptyShop();
      const mend = () => shop.run('DROP TRIGGER IF EXISTS stocktaking');
      onTestFinished(async () => {
        await mend();
      });
      const orders: number[] = [];
      for (const id of products) {
        await product(shop, id, 10);
        orders.push(await order(shop, { lines: [[id, 3]] }));
      }
      await shop.run(
        `CREATE TRIGGER stocktaking BEFORE UPDATE ON litemall_goods_product FOR EACH ROW
         BEGIN IF NEW.id = 2 THEN ${signal}; END IF; END`,
      );
      const stocks = () => Promise.all(products.map((id) => stock(shop, id)));
      return { shop, orders, mend, stocks };
    }

    it('gives the others theirs, says so once, and gives it when it no longer does', async () => {
      const { shop, orders, mend, stocks } = await withTrigger(
        `SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${ERROR}'`,
      );

      expect(await sweep(shop)).toMatchObject({ outcome: 'completed', cancelled: 3, failed: 0 });
      expect(await stocks()).toEqual([10, 7, 10]);
      const refused = { order_id: orders[1], what: 'not_given', kind: 'stock', target_id: 2 };
      const found = await call(shop, 'list_findings', 10);
      expect(found).toMatchObject([{ ...refused, amount: 3, detail: `1644: ${ERROR}` }]);
      await sweep(shop);
      expect(await call(shop, 'list_findings', 10)).toEqual(found);

      await mend();
      await sweep(shop);
      expect(await stocks()).toEqual([10, 10, 10]);
      expect(await findings(shop)).toEqual([]);
      expect(await shop.run('SELECT * FROM order_timeout_owed')).toEqual([]);
    });

    it('keeps none behind it from its turn when there is time for one only', async () => {
      const { shop, orders, stocks } = await withTrigger(
        `DO SLEEP(0.5); SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${ERROR}'`,
        [2, 3],
      );
      for (const id of orders) await cancel(shop, id);

      await shop.run('CALL order_timeout_pay_owed(SYSDATE(3) + INTERVAL 0.4 SECOND)');
      expect(await stocks()).toEqual([7, 10]);
    });

    it('stops no other, also by a condition of the class "not found"', async () => {
      const { shop, orders, stocks } = await withTrigger("SIGNAL SQLSTATE '02000'");

      expect(await sweep(shop)).toMatchObject({ outcome: 'completed', cancelled: 3, failed: 0 });
      expect(await stocks()).toEqual([10, 7, 10]);
      expect(await findings(shop)).toEqual([`${orders[1]}: not_given stock 2`]);
    });

    it('says so another time when somebody holds the finding', async () => {
      const { shop, orders } = await withTrigger(
        `SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${ERROR}'`,
        [2],
      );
      const other = await shop.connect();
      await other.query('START TRANSACTION');
      await other.query(
        `INSERT INTO order_timeout_finding (order_id, kind, target_id, what, opened_at)
         VALUES (?, 'stock', 2, 'not_given', NOW(3))`,
        [orders[0]],
      );

      expect(await sweep(shop)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
      await other.query('ROLLBACK');
      expect(await findings(shop)).toEqual([]);
      await sweep(shop);
      expect(await findings(shop)).toEqual([`${orders[0]}: not_given stock 2`]);
    });

    it.each([
      ['a fault of the deployment', 1142],
      ['a kill', 1317],
    ])('ends the run with the error when it is %s', async (_, errno) => {
      const { shop, mend, stocks } = await withTrigger(
        `SIGNAL SQLSTATE '42000' SET MYSQL_ERRNO = ${errno}, MESSAGE_TEXT = 'not now'`,
      );

      await expect(sweep(shop)).rejects.toMatchObject({ errno });
      expect(await findings(shop)).toEqual([]);
      await mend();
      await sweep(shop);
      expect(await stocks()).toEqual([10, 10, 10]);
    });
  });

  it('ends the run with the server’s own error, however long, when what is owed cannot be read', async () => {
    const shop = await emptyShop();
    await product(shop, 1, 10);
    await cancel(shop, await order(shop, { lines: [[1, 3]] }));
    await shop.run('ALTER TABLE litemall_goods_product RENAME COLUMN number TO amount');
    onTestFinished(async () => {
      await shop.run('ALTER TABLE litemall_goods_product RENAME COLUMN amount TO number');
    });

    await expect(sweep(shop)).rejects.toMatchObject({ errno: 1356 });
  });

  it('gives what many batches owe in transactions that hold few rows of the stock', async () => {
    const shop = await emptyShop();
    const products = [1, 2, 3];
    for (const id of products) await product(shop, id, 100);
    const orders = Array.from({ length: 60 }, () =>
      order(shop, {
        lines: [
          [1, 1],
          [2, 1],
          [3, 1],
        ],
      }),
    );
    await Promise.all(orders);
    await shop.run('UPDATE order_timeout_setting SET batch_size = 1');
    const transactions = async () => {
      const [given] = await shop.run<{ count: number }>(
        `SELECT COALESCE(SUM(count_star), 0) AS count FROM performance_schema.events_statements_summary_by_program
          WHERE object_schema = ? AND object_name = 'order_timeout_give_owed_stock'`,
        [shop.name],
      );
      return Number(given?.count);
    };

    const before = await transactions();
    expect(await sweep(shop)).toMatchObject({ cancelled: 60, returned: { stock: '180' } });

    // 60 batches owe to each product: no transaction gives more than 100 of these 180, and what is left of its last product.
    expect((await transactions()) - before).toBe(2);
    for (const id of products) expect(await stock(shop, id)).toBe(100);
    expect(await shop.run('SELECT * FROM order_timeout_owed')).toEqual([]);
  });

  it('leaves deleted orders and paid ones alone', async () => {
    const shop = await emptyShop();
    const [deleted, paid, contradictory] = [
      await order(shop, { deleted: true }),
      await order(shop, { status: 201, paid: true }),
      await order(shop, { paid: true }),
    ];
    expect(await sweep(shop)).toMatchObject({ cancelled: 0 });
    expect(await cancel(shop, deleted)).toMatchObject({ outcome: 'excluded' });
    expect(await cancel(shop, paid)).toMatchObject({ outcome: 'not_pending' });
    expect(await cancel(shop, contradictory)).toMatchObject({ outcome: 'contradictory' });
  });

  it('keeps a coupon that another order holds', async () => {
    const shop = await emptyShop();
    await coupon(shop, 5);
    const first = await order(shop, { coupon: 5 });
    await order(shop, { coupon: 5, status: 201, paid: true });
    expect(await sweep(shop)).toMatchObject({ cancelled: 1, returned: { coupon: '0' } });
    expect(await statusOf(shop, first)).toBe(103);
    expect(await couponStatus(shop, 5)).toBe(1);
  });

  it('audits what its own code cancelled without giving a coupon back, and repairs it', async () => {
    const shop = await emptyShop();
    await coupon(shop, 5);
    const id = await order(shop, { coupon: 5, status: 103 });
    expect(await call(shop, 'audit_missing_refunds', null)).toMatchObject([
      { order_id: id, kind: 'coupon', target_id: 5, missing: 1, source: 'held' },
    ]);
    expect(await call(shop, 'repair_missing_refund', id)).toMatchObject([
      { kind: 'coupon', given: 1 },
    ]);
    expect(await couponStatus(shop, 5)).toBe(0);
    expect(await call(shop, 'audit_missing_refunds', null)).toEqual([]);
  });

  it('finds what came back for an order that is paid after all, also the coupon that no longer names it', async () => {
    const shop = await emptyShop();
    await coupon(shop, 5);
    await product(shop, 1, 10);
    const id = await order(shop, { coupon: 5, lines: [[1, 2]] });
    await sweep(shop);
    await shop.run('UPDATE litemall_order SET order_status = 201, pay_time = NOW() WHERE id = ?', [
      id,
    ]);
    await call(shop, 'reconcile_orders', null);
    expect(await findings(shop)).toEqual([
      `${id}: paid_after_refund coupon 5`,
      `${id}: paid_after_refund stock 1`,
    ]);
  });

  it('finds nothing wrong with a paid order whose product is gone', async () => {
    const shop = await emptyShop();
    await product(shop, 1, 10);
    await order(shop, { lines: [[1, 2]], status: 201, paid: true, minutes: 90 });
    await shop.run('DELETE FROM litemall_goods_product WHERE id = 1');
    await call(shop, 'reconcile_orders', null);
    expect(await findings(shop)).toEqual([]);
  });
});
