import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { expect, it } from 'vitest';
import { isKilled } from '../../../scripts/dev/soak/errors';
import { until } from '../../support';
import { call, createExample, findings, sweep } from '../example';

const PRODUCTS = 20;
const STOCK = 100_000;
const SECONDS = 5;

/** Buys two products, as litemall does, with orders that are due at once; pays for every third. */
async function buyUntil(db: Connection, end: number): Promise<void> {
  // Columns that must have a value, and are nothing to the engine, are left out.
  await db.query("SET sql_mode = ''");
  for (let bought = 0; Date.now() < end; bought++) {
    try {
      await db.beginTransaction();
      const [{ insertId }] = await db.query<ResultSetHeader>(
        `INSERT INTO litemall_order
            SET user_id = 7, order_status = 101, add_time = UTC_TIMESTAMP() - INTERVAL 31 MINUTE`,
      );
      const first = 1 + Math.floor(Math.random() * (PRODUCTS - 1));
      for (const product of [first, first + 1]) {
        const pieces = 1 + Math.floor(Math.random() * 3);
        await db.query('INSERT INTO litemall_order_goods SET ?', [
          { order_id: insertId, product_id: product, number: pieces },
        ]);
        await db.query(
          'UPDATE litemall_goods_product SET number = number - ? WHERE id = ? AND number >= ?',
          [pieces, product, pieces],
        );
      }
      await db.commit();
      if (bought % 3 === 0)
        await db.query(
          'UPDATE litemall_order SET order_status = 201, pay_time = UTC_TIMESTAMP() WHERE id = ? AND order_status = 101',
          [insertId],
        );
    } catch (error) {
      if ((error as { errno?: number }).errno !== 1213) throw error;
      await db.rollback();
    }
  }
}

it('stock and what is sold add up while four customers buy and sweeps are killed', async () => {
  const shop = await createExample('litemall');
  for (let id = 1; id <= PRODUCTS; id++)
    await shop.run('INSERT INTO litemall_goods_product SET ?', [
      { id, specifications: '', number: STOCK },
    ]);
  const end = Date.now() + SECONDS * 1000;
  const customers = await Promise.all([1, 2, 3, 4].map(() => shop.connect()));
  const sweeper = await shop.connect();
  let killed = 0;

  await Promise.all([
    ...customers.map((customer) => buyUntil(customer, end)),
    (async () => {
      while (Date.now() < end)
        await sweeper.query('CALL cancel_expired_orders()').catch((error: unknown) => {
          if (!isKilled(error)) throw error;
          killed++;
          return sweeper.query('ROLLBACK');
        });
    })(),
    (async () => {
      while (Date.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
        await shop.run(`KILL QUERY ${sweeper.threadId}`);
      }
    })(),
  ]);
  expect(killed).toBeGreaterThan(0);
  // The lock of a killed sweep is its session's.
  sweeper.destroy();
  await until(async () => (await sweep(shop)).outcome === 'completed');
  // A kill that is answered like a fault of the server may be taken for the order's own: it is tried again a minute
  // later. Here at once.
  const failures = await shop.run<{ order_id: number; errno: number; message: string }>(
    'SELECT order_id, error_number AS errno, error_message AS message FROM order_timeout_failure',
  );
  for (const failure of failures) {
    expect(failure).toSatisfy(isKilled);
    await call(shop, 'retry_failed_order', failure.order_id);
  }
  expect(await sweep(shop)).toMatchObject({ cancelled: failures.length, failed: 0 });
  expect(await shop.run('SELECT * FROM order_timeout_failure')).toEqual([]);
  expect(await shop.run('SELECT * FROM order_timeout_owed')).toEqual([]);

  const [counts] = await shop.run<{ cancelled: number; paid: number; unpaid: number }>(
    `SELECT CAST(SUM(order_status = 103) AS SIGNED) AS cancelled, CAST(SUM(order_status = 201) AS SIGNED) AS paid,
            CAST(SUM(order_status = 101) AS SIGNED) AS unpaid FROM litemall_order`,
  );
  expect(counts).toMatchObject({ unpaid: 0 });
  expect(counts?.cancelled).toBeGreaterThan(0);
  expect(counts?.paid).toBeGreaterThan(0);
  const stock = await shop.run(
    `SELECT product.id, CAST(product.number + COALESCE(SUM(line.number), 0) AS SIGNED) AS total
       FROM litemall_goods_product AS product
       LEFT JOIN (litemall_order_goods AS line JOIN litemall_order AS o ON o.id = line.order_id AND o.order_status = 201)
         ON line.product_id = product.id
      GROUP BY product.id
     HAVING total <> ?`,
    [STOCK],
  );
  expect(stock).toEqual([]);
  expect(await findings(shop)).toEqual([]);
});
