import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { atPace, customerRatios, meet, type Round, TIMES_HEAD, timesRows } from '../customers';
import { select } from '../measure';
import type { Section } from '../section';
import { type Bench, DUE_ONLY, sweepAll } from '../shop';

const CUSTOMERS = 4;
const PACE_MS = 20;
const PRODUCTS = 500;

/** Customers of the litemall shop check out, alone and while a sweep gives back the stock that they fight for. */
export async function measureCheckouts(bench: Bench): Promise<Section> {
  const { rounds, drained } = bench.sizes;
  const shop = await bench.shop('litemall', 'litemall');
  const customers = await Promise.all(Array.from({ length: CUSTOMERS }, shop.connect));
  const measured: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    await shop.refill(drained, DUE_ONLY);
    const before = await stockAndSold(shop.db);
    const [met] = await meet(bench, shop, 'checkouts', (isOver) =>
      customers.map((one) => atPace(PACE_MS, one, randomProducts(), checkOut, isOver)),
    );
    measured.push(met);
    while ((await owed(shop.db)) > 0) await sweepAll(shop.db);
    const after = await stockAndSold(shop.db);
    if (before !== after) throw new Error(`Stock and sold were ${before}, and are ${after}`);
  }
  return {
    title: `${CUSTOMERS} customers check out from ${PRODUCTS} products while ${drained} orders drain`,
    head: TIMES_HEAD,
    rows: timesRows('checkouts', measured),
    notes: ['Stock and what is sold add up to the same before and after.'],
    ratios: customerRatios('checkouts', measured),
  };
}

/** As many as nobody buys in one stretch of work. */
const randomProducts = () =>
  Array.from({ length: 20_000 }, () => 1 + Math.floor(Math.random() * PRODUCTS));

async function checkOut(db: Connection, product: number): Promise<boolean> {
  await db.query('START TRANSACTION');
  const [order] = await db.query<ResultSetHeader>(
    `INSERT INTO litemall_order (user_id, order_sn, order_status, consignee, mobile, address, goods_price, freight_price,
                                 coupon_price, integral_price, groupon_price, order_price, actual_price, add_time)
     VALUES (1, 'SN', 101, 'A', '1', 'B', 19.90, 0, 0, 0, 0, 19.90, 19.90, UTC_TIMESTAMP())`,
  );
  await db.query(
    `INSERT INTO litemall_order_goods (order_id, product_id, number, specifications) VALUES (?, ?, 1, '[]')`,
    [order.insertId, product],
  );
  const [taken] = await db.query<ResultSetHeader>(
    'UPDATE litemall_goods_product SET number = number - 1 WHERE id = ? AND number >= 1',
    [product],
  );
  await db.query('COMMIT');
  return taken.affectedRows === 1;
}

/** What is in stock, and in orders that are not cancelled. */
async function stockAndSold(db: Connection): Promise<string> {
  const [row] = await select<{ pieces: string }>(
    db,
    `SELECT (SELECT SUM(number) FROM litemall_goods_product)
          + (SELECT COALESCE(SUM(line.number), 0)
               FROM litemall_order_goods AS line
               JOIN litemall_order AS o ON o.id = line.order_id
              WHERE o.order_status IN (101, 201)) AS pieces`,
  );
  return String(row?.pieces);
}

async function owed(db: Connection): Promise<number> {
  const [row] = await select<{ owed: number }>(
    db,
    'SELECT COUNT(*) AS owed FROM order_timeout_owed',
  );
  return row?.owed ?? 0;
}
