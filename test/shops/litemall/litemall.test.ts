import { describe, expect, it } from 'vitest';
import { json } from '../../cli/support';
import { holding } from '../../procedures/obstacles';
import { call, cancel, cancelAsAdmin, exampleOfFile } from '../example';
import { findings, findingsOfAll, sweep } from '../example';

const shop = exampleOfFile('litemall');

interface OrderOptions {
  readonly minutes?: number;
  readonly status?: number;
  /** Product to pieces. */
  readonly lines?: readonly Readonly<Record<number, number>>[];
  /** litemall_coupon_user.id */
  readonly coupon?: number;
  readonly deleted?: boolean;
  readonly paid?: boolean;
}

/** An order as litemall makes it: stock is taken at once, the coupon says which order used it. */
async function order(options: OrderOptions = {}): Promise<number> {
  const { minutes = 31, status = 101, lines = [], coupon, deleted = false, paid = false } = options;
  const id = shop.nextId('order');
  await shop.run(
    'INSERT INTO litemall_order SET ?, add_time = NOW() - INTERVAL ? MINUTE, pay_time = IF(?, NOW(), NULL)',
    [{ id, user_id: 7, order_status: status, deleted }, minutes, paid],
  );
  for (const [product, pieces] of lines.flatMap((line) => Object.entries(line))) {
    await shop.run('INSERT INTO litemall_order_goods SET ?', [
      { order_id: id, product_id: product, number: pieces },
    ]);
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

const PAID = { status: 201, paid: true };
const setBack = () => shop.run('UPDATE litemall_order SET order_status = 101');

const product = (id: number, number = 10) =>
  shop.run('INSERT INTO litemall_goods_product SET ?', [{ id, number }]);
const coupon = (id: number) =>
  shop.run('INSERT INTO litemall_coupon_user SET ?', [{ id, user_id: 7, coupon_id: 1 }]);

const stock = () => shop.column('SELECT number FROM litemall_goods_product ORDER BY id');
const couponStatus = () => shop.column('SELECT status FROM litemall_coupon_user');
const statuses = () => shop.column('SELECT order_status FROM litemall_order ORDER BY id');
const owed = () => shop.run('SELECT account_id, amount FROM order_timeout_owed ORDER BY 1');

/** The finding that the engine is going to make, not yet committed. */
const findingHeld = (id: number, what: string, target: number) =>
  holding(
    shop,
    `INSERT INTO order_timeout_finding (order_id, kind, target_id, what, opened_at)
     VALUES (?, 'stock', ?, ?, NOW(3))`,
    [id, target, what],
  );

describe('litemall', () => {
  it('gets an unpaid order cancelled with its stock and its coupon, also when another is not due', async () => {
    await product(1);
    await coupon(5);
    await order({ lines: [{ 1: 3 }], coupon: 5 });
    await order({ lines: [{ 1: 1 }], minutes: 5 });
    expect(await stock()).toEqual([6]);

    expect(await sweep(shop)).toMatchObject({
      ...{ outcome: 'completed', cancelled: 1, failed: 0 },
      returned: { stock: '3', coupon: '1' },
    });

    expect(await statuses()).toEqual([103, 101]);
    const written = 'SELECT end_time IS NOT NULL AND update_time IS NOT NULL FROM litemall_order';
    expect(await shop.column(written)).toEqual([1, 0]);
    expect(await couponStatus()).toEqual([0]);
    expect(await sweep(shop)).toMatchObject({ cancelled: 0 });
    expect(await stock()).toEqual([9]);
    expect(await findings(shop)).toEqual([]);
  });

  it('has a code for who cancelled', async () => {
    await product(1);
    const byUser = await order({ minutes: 1, lines: [{ 1: 1 }] });
    const byAdmin = await order({ minutes: 1 });
    const byTimeout = await order();
    const ofUser = async (user: number) =>
      (await call(shop, 'cancel_order', byUser, user, null))[0];

    // It is looked at before the order is locked, and within a transaction only then.
    for (const statement of ['DO 0', 'START TRANSACTION']) {
      await shop.run(statement);
      expect(await ofUser(8)).toMatchObject({ outcome: 'not_owner' });
    }
    await shop.run('COMMIT');
    expect(await ofUser(7)).toMatchObject({
      outcome: 'cancelled',
      returned: { stock: '1', coupon: '0' },
    });
    expect(await cancelAsAdmin(shop, byAdmin)).toMatchObject({ outcome: 'cancelled' });
    expect(await cancel(shop, byTimeout)).toMatchObject({ outcome: 'cancelled' });
    expect(await statuses()).toEqual([102, 104, 103]);
  });

  it.each([0, 1])(
    'owes stock after a call, and gets it with the next sweep (paused: %i)',
    async (paused) => {
      await shop.run('UPDATE order_timeout_setting SET paused = ?', [paused]);
      await product(1);
      const id = await order({ lines: [{ 1: 2 }, { 1: 3 }] });
      const told = async () => (await call(shop, 'order_money', id))[0];
      const money = { kind: 'stock', target_id: 1, taken: 5 };

      expect(await cancel(shop, id)).toMatchObject({
        outcome: 'cancelled',
        returned: { stock: '5' },
      });
      expect(await stock()).toEqual([5]);
      expect(await told()).toMatchObject({ ...money, owed: 5 });
      // Also when the order's lines are gone by then.
      await shop.run('DELETE FROM litemall_order_goods');
      expect(await told()).toMatchObject({ ...money, owed: 5 });
      await sweep(shop);
      expect(await stock()).toEqual([10]);
      expect(await told()).toMatchObject({ ...money, owed: 0 });
    },
  );

  it('has 500 orders of one product in a batch', async () => {
    await product(1, 0);
    await shop.run(
      `INSERT INTO litemall_order (id, user_id, order_status, add_time)
       WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 500)
       SELECT i, 7, 101, NOW() - INTERVAL 40 MINUTE FROM n`,
    );
    await shop.run(
      'INSERT INTO litemall_order_goods (order_id, product_id, number) SELECT id, 1, 2 FROM litemall_order',
    );
    expect(await sweep(shop)).toMatchObject({ cancelled: 500, returned: { stock: '1000' } });
    expect(await stock()).toEqual([1000]);
  });

  it('says that the product is gone when it goes between the cancel and the sweep', async () => {
    await product(1);
    const id = await order({ lines: [{ 1: 3 }] });
    await cancel(shop, id);
    await shop.run('DELETE FROM litemall_goods_product');
    await sweep(shop);
    expect(await findings(shop)).toEqual([`${id}: missing_target stock 1`]);
    expect(await owed()).toEqual([]);

    // A product of that id which comes later did not get it.
    await product(1);
    expect(await findingsOfAll(shop)).toEqual([`${id}: missing_target stock 1`]);
  });

  it('says nothing of what was given before the product went', async () => {
    await product(1);
    const given = await order({ lines: [{ 1: 3 }] });
    await sweep(shop);
    await setBack();
    const missed = await order({ lines: [{ 1: 1 }] });
    const other = await holding(shop, 'DELETE FROM litemall_goods_product');

    // Both orders in one batch.
    expect(await sweep(shop)).toMatchObject({ cancelled: 2 });
    await other.query('COMMIT');
    await sweep(shop);
    expect(await findingsOfAll(shop)).toEqual([
      `${given}: second_take stock 1`,
      `${missed}: missing_target stock 1`,
    ]);
  });

  it('has no order stopped by a product that somebody holds', async () => {
    await product(1);
    await product(2);
    await order({ lines: [{ 1: 3 }, { 2: 1 }] });
    const customer = await holding(
      shop,
      'UPDATE litemall_goods_product SET number = number - 1 WHERE id = 1',
    );
    expect(await sweep(shop)).toMatchObject({ cancelled: 1 });
    expect(await statuses()).toEqual([103]);
    await customer.query('COMMIT');
    expect(await stock()).toEqual([6, 10]);
    await sweep(shop);
    expect(await stock()).toEqual([9, 10]);
  });

  it('owes on while somebody holds a lock that the giving needs, and gives it in the next sweep', async () => {
    await product(1);
    await product(2);
    const id = await order({ lines: [{ 1: 3 }, { 2: 1 }] });
    await cancel(shop, id);
    await shop.run('DELETE FROM litemall_goods_product WHERE id = 1');
    const other = await findingHeld(id, 'missing_target', 1);

    expect(await sweep(shop)).toMatchObject({ outcome: 'completed', failed: 0 });
    expect(await owed()).toEqual([{ account_id: 1, amount: 3 }]);
    // Of two the giving begins with the second.
    expect(await stock()).toEqual([10]);
    await other.query('ROLLBACK');

    await sweep(shop);
    expect(await owed()).toEqual([]);
    expect(await stock()).toEqual([10]);
    expect(await findings(shop)).toEqual([`${id}: missing_target stock 1`]);
  });

  describe('when the stock of a product refuses what it is owed', () => {
    const ERROR = 'product 2 is locked by the stocktaking';
    const REFUSAL = `SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '${ERROR}'`;

    /** Three products, each owed 3 pieces of an order of its own; returns the order of the second one. */
    async function refuse(signal: string): Promise<number> {
      const orders: number[] = [];
      for (const id of [1, 2, 3]) {
        await product(id);
        orders.push(await order({ lines: [{ [id]: 3 }] }));
      }
      await shop.run(
        `CREATE TRIGGER stocktaking BEFORE UPDATE ON litemall_goods_product FOR EACH ROW
         BEGIN IF NEW.id = 2 THEN ${signal}; END IF; END`,
      );
      return orders[1] ?? 0;
    }

    /** Once it no longer does, everything is given. */
    async function expectGivenOnceMended(): Promise<void> {
      await shop.run('DROP TRIGGER stocktaking');
      await sweep(shop);
      expect(await stock()).toEqual([10, 10, 10]);
      expect(await findings(shop)).toEqual([]);
      expect(await owed()).toEqual([]);
    }

    it('keeps none behind it from its turn when there is time for one only', async () => {
      const id = await refuse(`DO SLEEP(0.5); ${REFUSAL}`);
      for (const one of [id, id + 1]) await cancel(shop, one);

      await shop.run('CALL order_timeout_pay_owed(SYSDATE(3) + INTERVAL 0.4 SECOND)');
      expect(await stock()).toEqual([7, 7, 10]);
      await expectGivenOnceMended();
    });

    // The second one is a condition of the class "not found".
    it.each([
      [REFUSAL, `1644: ${ERROR}`],
      ["SIGNAL SQLSTATE '02000'", '1643: '],
    ])(
      'gives the others theirs, says so once, and gives it when it no longer does: %s',
      async (signal, detail) => {
        const id = await refuse(signal);

        expect(await sweep(shop)).toMatchObject({ outcome: 'completed', cancelled: 3, failed: 0 });
        expect(await stock()).toEqual([10, 7, 10]);
        const found = await call<{ detail: string }>(shop, 'list_findings', 10);
        const refused = { order_id: id, what: 'not_given', kind: 'stock', target_id: 2 };
        expect(found).toMatchObject([{ ...refused, amount: 3 }]);
        expect(found[0]?.detail).toContain(detail);
        await sweep(shop);
        expect(await call(shop, 'list_findings', 10)).toEqual(found);
        await expectGivenOnceMended();
      },
    );

    it('says so another time when somebody holds the finding', async () => {
      const id = await refuse(REFUSAL);
      const other = await findingHeld(id, 'not_given', 2);

      expect(await sweep(shop)).toMatchObject({ outcome: 'completed', cancelled: 3, failed: 0 });
      await other.query('ROLLBACK');
      expect(await findings(shop)).toEqual([]);
      await sweep(shop);
      expect(await findings(shop)).toEqual([`${id}: not_given stock 2`]);
    });

    it.each([
      ['a fault of the deployment', 1142],
      ['a kill', 1317],
    ])('ends the run with the error when it is %s', async (_, errno) => {
      await refuse(`SIGNAL SQLSTATE '42000' SET MYSQL_ERRNO = ${errno}, MESSAGE_TEXT = 'not now'`);

      await expect(sweep(shop)).rejects.toMatchObject({ errno });
      expect(await findings(shop)).toEqual([]);
      await expectGivenOnceMended();
    });
  });

  it('ends the run with the server’s own error, however long, when what is owed cannot be read', async () => {
    await product(1);
    await cancel(shop, await order({ lines: [{ 1: 3 }] }));
    await shop.run('ALTER TABLE litemall_goods_product RENAME COLUMN number TO amount');
    try {
      await expect(sweep(shop)).rejects.toMatchObject({ errno: 1356 });
    } finally {
      await shop.run('ALTER TABLE litemall_goods_product RENAME COLUMN amount TO number');
    }
  });

  it('gives what many batches owe in transactions that hold few rows of the stock', async () => {
    for (const id of [1, 2, 3]) await product(id, 100);
    for (let nth = 0; nth < 60; nth++) await order({ lines: [{ 1: 1, 2: 1, 3: 1 }] });
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
    expect(await stock()).toEqual([100, 100, 100]);
    expect(await owed()).toEqual([]);
  });

  it('leaves deleted orders and paid ones alone', async () => {
    const deleted = await order({ deleted: true });
    const paid = await order(PAID);
    const contradictory = await order({ paid: true });
    expect(await sweep(shop)).toMatchObject({ cancelled: 0 });
    expect(await cancel(shop, deleted)).toMatchObject({ outcome: 'excluded' });
    expect(await cancel(shop, paid)).toMatchObject({ outcome: 'not_pending' });
    expect(await cancel(shop, contradictory)).toMatchObject({ outcome: 'contradictory' });
  });

  it('keeps a coupon that another order holds', async () => {
    await coupon(5);
    await order({ coupon: 5 });
    await order({ coupon: 5, ...PAID });
    expect(await sweep(shop)).toMatchObject({ cancelled: 1, returned: { coupon: '0' } });
    expect(await statuses()).toEqual([103, 201]);
    expect(await couponStatus()).toEqual([1]);
  });

  it('audits what its own code cancelled without giving a coupon back, and repairs it', async () => {
    await coupon(5);
    const id = await order({ coupon: 5, status: 103 });
    expect(await call(shop, 'audit_missing_refunds', null)).toMatchObject([
      { order_id: id, kind: 'coupon', target_id: 5, missing: 1, source: 'held' },
    ]);
    expect(await call(shop, 'repair_missing_refund', id)).toMatchObject([
      { kind: 'coupon', given: 1 },
    ]);
    expect(await couponStatus()).toEqual([0]);
    expect(await call(shop, 'audit_missing_refunds', null)).toEqual([]);
  });

  it('has the orders that its own code cancelled repaired all at once, though they have no type', async () => {
    await coupon(5);
    const id = await order({ coupon: 5, status: 103 });
    const all = ['repair', '--all', '--since', '1d', '--yes', '--source-type'];
    expect(await json(shop, [...all, '0'])).toMatchObject({ repaired: [] });
    expect(await json(shop, [...all, 'NULL'])).toMatchObject({
      repaired: [{ orderId: String(id), given: '1' }],
    });
  });

  it('finds what came back for an order that is paid after all, also the coupon that no longer names it', async () => {
    await coupon(5);
    await product(1);
    const id = await order({ coupon: 5, lines: [{ 1: 2 }] });
    await sweep(shop);
    await shop.run('UPDATE litemall_order SET order_status = 201, pay_time = NOW()');
    expect(await findingsOfAll(shop)).toEqual([
      `${id}: paid_after_refund coupon 5`,
      `${id}: paid_after_refund stock 1`,
    ]);
  });
});
