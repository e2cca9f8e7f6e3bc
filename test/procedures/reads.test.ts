import type { Connection, RowDataPacket } from 'mysql2/promise';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadExampleShop } from '../../scripts/dev/shop';
import { createShop, type Shop } from '../support';

/** The same orders are due in both; the large one has forty times as many that are not. */
const MIX = {
  small: { orders: 2_500, mix: { paid: 20, cancelled: 10, due: 40, young: 20, excluded: 10 } },
  large: { orders: 100_000, mix: { paid: 59, cancelled: 30, due: 1, young: 5, excluded: 5 } },
};

interface Measured {
  readonly shop: Shop;
  readonly db: Connection;
  /** A due order with a coupon, and its user. */
  readonly orderIds: readonly number[];
}

let small: Measured;
let large: Measured;

beforeAll(async () => {
  small = await measured(MIX.small);
  large = await measured(MIX.large);
});

async function measured({ orders, mix }: (typeof MIX)['small']): Promise<Measured> {
  const shop = await createShop();
  const db = await shop.connect();
  await loadExampleShop(db, { orders, mix, incidents: 'none' });
  const tables = await shop.run<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
  );
  for (const { name } of tables) await shop.run(`ANALYZE TABLE ${name}`);
  const due = await shop.run<{ id: number }>(
    `SELECT id FROM orders WHERE status = 1 AND source_type = 1 AND coupon_id > 0
        AND created_at < UTC_TIMESTAMP() - INTERVAL 1 HOUR ORDER BY id LIMIT 50`,
  );
  return { shop, db, orderIds: due.map(({ id }) => id) };
}

/** Rows that the server handed out while a statement ran: from indexes and tables, those of temporary tables among them. */
async function readsOf({ db }: Measured, sql: string): Promise<number> {
  await db.query('FLUSH STATUS');
  await db.query(sql);
  const [rows] = await db.query<RowDataPacket[]>("SHOW SESSION STATUS LIKE 'Handler_read%'");
  return rows.reduce((sum, { Value }) => sum + Number(Value), 0);
}

const next = (shop: Measured, call: (id: number) => string) => {
  const id = (shop.orderIds as number[]).pop();
  if (id === undefined) throw new Error('No order is left to measure with');
  return readsOf(shop, call(id));
};

describe('what a call reads is a few rows, however large the shop is', () => {
  test.each<[string, (id: number) => string, number]>([
    ['cancel_expired_order()', (id) => `CALL cancel_expired_order(${id})`, 200],
    ['cancel_order()', (id) => `CALL cancel_order_as_admin(${id}, 'x')`, 200],
    ['hold_order()', (id) => `CALL hold_order(${id}, 1, 'x')`, 30],
    ['order_money()', (id) => `CALL order_money(${id})`, 250],
    ['explain_order_timeout()', (id) => `CALL explain_order_timeout(${id})`, 500],
    ['repair_missing_refund()', (id) => `CALL repair_missing_refund(${id})`, 200],
    ['preview_expired_orders(5)', () => 'CALL preview_expired_orders(5)', 8_000],
  ])('%s', async (_name, call, most) => {
    const inSmall = await next(small, call);
    const inLarge = await next(large, call);
    expect(inLarge).toBeLessThan(most);
    // Orders differ in their coupons, so not to the row; a preview reads the pending orders of each type.
    if (!_name.startsWith('preview')) expect(inLarge).toBeLessThan(inSmall * 2 + 50);
  });
});

test('health and numbers read what is due and at work, not the shop', async () => {
  for (const call of ['CALL order_timeout_health()', 'CALL order_timeout_numbers()']) {
    // What is due is counted; metadata is the server's.
    expect(await readsOf(large, call)).toBeLessThan(12_000);
  }
});

test('a sweep reads as many rows for each order in a large shop as in a small one', async () => {
  const perOrder = async (shop: Measured) => {
    await shop.shop.run(
      'UPDATE order_timeout_heartbeat SET reconciled_order_id = 99999999999, reconciled_again_order_id = 99999999999',
    );
    const reads = await readsOf(shop, 'CALL cancel_expired_orders()');
    const [run] = await shop.shop.run<{ cancelled: number }>(
      'SELECT cancelled FROM order_timeout_run ORDER BY id DESC LIMIT 1',
    );
    expect(run?.cancelled).toBeGreaterThan(500);
    return reads / (run?.cancelled ?? 0);
  };
  const inSmall = await perOrder(small);
  const inLarge = await perOrder(large);
  expect(inLarge).toBeLessThan(inSmall * 1.25);
  expect(inLarge).toBeLessThan(90);
});

test('a sweep that finds nothing reads some dozen rows, whatever the shop holds', async () => {
  await large.db.query('CALL cancel_expired_orders()');
  const reads = await readsOf(large, 'CALL cancel_expired_orders()');
  expect(reads).toBeLessThan(60);
});

test('the feed reads the batches of its page, the list of findings its page', async () => {
  await large.db.query('CALL read_cancellations(0, 0, 1)');
  expect(await readsOf(large, 'CALL read_cancellations(0, 0, 10)')).toBeLessThan(5_000);
  expect(await readsOf(large, 'CALL list_findings(10)')).toBeLessThan(60);
});
