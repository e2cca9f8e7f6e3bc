import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { takeBaseline } from '../../scripts/dev/invariants';
import { type PrivateMysqld, startPrivateMysqld } from '../../scripts/dev/server';
import { createShopTables, loadExampleShop } from '../../scripts/dev/shop';
import { call, sweep, violations } from '../procedures/calls';
import { deployEngine } from '../support/deploy';
import { until } from '../support';

// With innodb_autoinc_lock_mode = 1 an INSERT … SELECT keeps the counter of its table to the end of its
// statement: of ours that is the whole settlement.

let server: PrivateMysqld;
const connections: Connection[] = [];

async function connect(): Promise<Connection> {
  const db = await createConnection({ uri: `${server.url}/shop` });
  connections.push(db);
  return db;
}

beforeAll(async () => {
  server = await startPrivateMysqld({
    settings: { 'innodb-autoinc-lock-mode': '1', 'sync-binlog': '0' },
  });
  const root = await createConnection(server.url);
  await root.query('CREATE DATABASE shop DEFAULT CHARACTER SET utf8mb4');
  await root.end();
  const db = await connect();
  await createShopTables(db);
  const mix = { paid: 20, cancelled: 10, due: 50, young: 10, excluded: 10 };
  await loadExampleShop(db, { orders: 2_000, mix, incidents: 'none' });
  await deployEngine(`${server.url}/shop`, { clock: '+00:00', event: false });
});

afterAll(async () => {
  for (const db of connections) db.destroy();
  await server.stop();
});

async function rowsOf(db: Connection, sql: string): Promise<RowDataPacket[]> {
  const [rows] = await db.query<RowDataPacket[]>(sql);
  return rows;
}

const shopWrites = (db: Connection) =>
  db.query(
    "INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, action) VALUES (1, 1, 0, 'note')",
  );

test('the shop’s own row waits for the end of a settlement, not for that of the caller’s transaction', async () => {
  const [keeper, caller, shop, observer] = [
    await connect(),
    await connect(),
    await connect(),
    await connect(),
  ];
  const [order] = await rowsOf(
    observer,
    'SELECT id FROM orders WHERE status = 1 AND source_type = 1 AND coupon_id > 0 AND created_at < NOW() - INTERVAL 1 HOUR LIMIT 1',
  );
  await keeper.query("DO GET_LOCK('gate', 0)");
  await observer.query(
    "CREATE TRIGGER gate BEFORE UPDATE ON orders FOR EACH ROW BEGIN DO GET_LOCK('gate', 60); DO RELEASE_LOCK('gate'); END",
  );
  const waitsFor = (what: string) =>
    until(async () => {
      const rows = await rowsOf(
        observer,
        `SELECT 1 FROM performance_schema.data_locks WHERE lock_mode = 'AUTO_INC' AND lock_status = '${what}'`,
      );
      return rows.length > 0;
    });

  await caller.beginTransaction();
  const answer = call(caller, 'cancel_expired_order(?)', order?.id);
  await waitsFor('GRANTED');
  let isWritten = false;
  const written = shopWrites(shop).then(() => (isWritten = true));
  await waitsFor('WAITING');
  expect(isWritten).toBe(false);
  await keeper.query("DO RELEASE_LOCK('gate')");

  expect(await answer).toMatchObject({ outcome: 'cancelled' });
  await written;
  await caller.rollback();
  await observer.query('DROP TRIGGER gate');
});

test('a sweep, calls that join and the shop’s own rows at once: all comes back, once', async () => {
  const db = await connect();
  const baseline = await takeBaseline(db);
  const due = `status = 1 AND source_type = 1 AND created_at < NOW() - INTERVAL 1 HOUR`;
  const orders = await rowsOf(db, `SELECT id FROM orders WHERE ${due} ORDER BY id`);
  expect(orders.length).toBeGreaterThan(100);
  let isOver = false;
  const [joining, writing, sweeping] = [await connect(), await connect(), await connect()];
  const joined = async () => {
    for (const { id } of orders.slice(0, 20)) {
      await joining.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
      await joining.beginTransaction();
      await call(joining, 'cancel_expired_order(?)', id);
      await joining.commit();
    }
    // The other sweep may still be at work, and has passed over what a call here held.
    await until(async () => {
      const { outcome, run_id } = await sweep(joining);
      return outcome === 'completed' && run_id === null;
    });
    isOver = true;
  };
  const written = async () => {
    while (!isOver) await shopWrites(writing);
  };

  await Promise.all([joined(), sweep(sweeping), written()]);

  expect(await rowsOf(db, `SELECT id FROM orders WHERE ${due}`)).toEqual([]);
  expect(
    await rowsOf(
      db,
      `SELECT order_id FROM order_timeout_refund JOIN order_timeout_due_coupon USING (order_id, target_id)
        WHERE kind = 'coupon' AND due <> 0`,
    ),
  ).toEqual([]);
  expect(await violations(db, baseline)).toEqual([]);
});
