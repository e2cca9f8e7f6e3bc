import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, ResultSetHeader } from 'mysql2/promise';
import { type Bench, DUE_ONLY, sweepAll } from '../shop';
import { compute, p99, type Round, select, slowdown, TIMES_HEAD, timesRow } from '../measure';
import { atMost, type Section } from '../section';
import { atPace } from './neighbour';

const CUSTOMERS = 4;
const PACE_MS = 20;
const PRODUCTS = 500;

/** Customers of the litemall shop check out, alone and while a sweep gives back the stock that they fight for. */
export async function measureCheckouts(bench: Bench): Promise<Section> {
  const { rounds, drained, aloneSeconds } = bench.sizes;
  const shop = await bench.shop('litemall', 'litemall');
  const customers = await Promise.all(Array.from({ length: CUSTOMERS }, shop.connect));
  const measured: Round[] = [];
  const failures: string[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    await shop.refill(drained, DUE_ONLY);
    const before = await stockAndSold(shop.db);
    const buyWhile = async (work: () => Promise<unknown>): Promise<number[]> => {
      let isOver = false;
      const buying = customers.map((customer) =>
        atPace(PACE_MS, customer, randomProducts(), checkOut, () => isOver),
      );
      await work();
      isOver = true;
      const ended = await Promise.all(buying);
      failures.push(...ended.flatMap(({ failures }) => failures));
      return ended.flatMap(({ times }) => times);
    };
    const alone = await buyWhile(() => sleep(aloneSeconds * 1000));
    const computing = await buyWhile(() => compute(shop.db, aloneSeconds));
    const draining = await buyWhile(() => sweepAll(shop.db));
    measured.push({ alone, computing, draining });
    while ((await owed(shop.db)) > 0) await sweepAll(shop.db);
    const after = await stockAndSold(shop.db);
    if (before !== after) throw new Error(`Stock and sold were ${before}, and are ${after}`);
    bench.progress(
      `checkouts: p99 ${p99(alone).toFixed(1)} ms alone, ${p99(computing).toFixed(1)} ms beside a session that computes, ${p99(draining).toFixed(1)} ms during a drain`,
    );
  }
  const all = (stretch: keyof Round) => measured.flatMap((round) => round[stretch]);
  return {
    title: `${CUSTOMERS} customers check out from ${PRODUCTS} products while ${drained} orders drain`,
    head: TIMES_HEAD,
    rows: [
      timesRow('checkouts, alone', all('alone')),
      timesRow('checkouts, beside a session that only computes', all('computing')),
      timesRow('checkouts, during the drain', all('draining')),
    ],
    notes: ['Stock and what is sold add up to the same before and after.'],
    ratios: [
      atMost(
        "checkouts' p99 during a drain against alone",
        slowdown(measured, 'draining', 'alone'),
        1.5,
      ),
      atMost(
        "checkouts' p99 during a drain against a session that computes",
        slowdown(measured, 'draining', 'computing'),
        1.5,
      ),
      atMost('checkouts that failed', failures.length, 0, 'failures'),
    ],
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
