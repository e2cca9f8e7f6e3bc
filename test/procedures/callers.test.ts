import type { Connection, RowDataPacket } from 'mysql2/promise';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { SHOP_TABLES } from '../../scripts/dev/shop';
import {
  type BuiltOrder,
  changesOf,
  createShop,
  emptyTables,
  order,
  pendingOrder,
  type Shop,
  type State,
} from '../support';
import { call, hold, rowsOf, setAside, sweep } from './calls';

// What a caller can put into its own session before it calls: nothing of it decides anything.

const PROCEDURES = readdirSync(join(__dirname, '../../sql/procedures/public'))
  .map((file) => basename(file, '.sql'))
  .sort();

interface Scene {
  readonly due: BuiltOrder;
  readonly young: BuiltOrder;
  readonly paid: BuiltOrder;
  /** Cancelled by the shop, with nothing given back. */
  readonly missed: BuiltOrder;
  readonly setAside: BuiltOrder;
  readonly findingId: unknown;
}

/** Something to do for each procedure, and a journal to read. */
async function sceneOf(shop: Shop): Promise<Scene> {
  const done = await pendingOrder(shop, { coupon: 400, points: 4, ageMinutes: 62 });
  await sweep(shop.db);
  const scene = {
    due: await pendingOrder(shop, { coupon: 1000, points: 50, ageMinutes: 42 }),
    young: await pendingOrder(shop, { coupon: 700, points: 7, ageMinutes: 12 }),
    paid: await order(shop, { status: 'paid', coupon: 500, points: 5 }),
    missed: await order(shop, { status: 'cancelled', coupon: 300, points: 3 }),
    setAside: await pendingOrder(shop, { coupon: 200, ageMinutes: 52 }),
  };
  await setAside(shop, scene.setAside);
  await hold(shop, scene.young, 17);
  await call(shop.db, 'reconcile_orders(NULL)');
  await call(shop.db, "accept_payment(?, 'late')", done.orderId);
  const [finding] = await shop.run('SELECT MIN(id) AS id FROM order_timeout_finding');
  return { ...scene, findingId: finding?.id };
}

/** Of each procedure the arguments of its calls: also orders that are not to be cancelled, of which money could come all the same. */
const CALLS: Record<string, (scene: Scene) => unknown[][]> = {
  accept_payment: ({ due }) => [[due.orderId, 'new']],
  audit_missing_refunds: () => [[null]],
  cancel_expired_order: ({ due, paid, young, missed }) =>
    [due, paid, young, missed].map(({ orderId }) => [orderId]),
  cancel_expired_orders: () => [[]],
  cancel_order: ({ due }) => [[due.orderId, due.userId, 'changed my mind']],
  cancel_order_as_admin: ({ due, paid, missed }) =>
    [due, paid, missed].map(({ orderId }) => [orderId, 'changed my mind']),
  explain_order_timeout: ({ due, paid, young }) =>
    [due, paid, young].map(({ orderId }) => [orderId]),
  hold_order: ({ due }) => [[due.orderId, 7, '']],
  list_findings: () => [[100]],
  list_late_payments: () => [[100]],
  order_deadlines: ({ due, young, paid }) => [
    [JSON.stringify([due.orderId, young.orderId, paid.orderId])],
  ],
  order_money: ({ missed }) => [[missed.orderId]],
  order_timeout_clock: () => [[]],
  order_timeout_health: () => [[]],
  order_timeout_numbers: () => [[]],
  preview_expired_orders: () => [[100]],
  read_cancellations: () => [[0, 0, 100]],
  reconcile_orders: () => [[null]],
  release_order_hold: ({ young }) => [[young.orderId]],
  repair_missing_refund: ({ missed, paid, due }) =>
    [missed, paid, due].map(({ orderId }) => [orderId]),
  retry_failed_order: ({ setAside }) => [[setAside.orderId]],
  settle_finding: ({ findingId }) => [[findingId, 'seen']],
  settle_late_payment: () => [['late', 'sent back']],
};

test('each public procedure is called', () => {
  expect(Object.keys(CALLS)).toEqual(PROCEDURES);
});

interface Attack {
  /** Before each call. */
  readonly prepare: (db: Connection, shop: Shop) => Promise<unknown>;
  /** What must be so afterwards. */
  readonly after?: (db: Connection, shop: Shop) => Promise<void>;
}

/** What the procedure answers and does when a caller with nothing but EXECUTE calls it. */
async function calledFrom(
  shop: Shop,
  procedure: string,
  { prepare, after }: Attack,
): Promise<{ answers: unknown[]; changed: State }> {
  await emptyTables(shop);
  const scene = await sceneOf(shop);
  const url = await shop.createAccount(
    `EXECUTE ON PROCEDURE ${shop.name}.${procedure}`,
    `CREATE TEMPORARY TABLES ON ${shop.name}.*`,
  );
  const db = await shop.connect({ uri: url, dateStrings: true, multipleStatements: true });
  const answers: unknown[] = [];
  const changed = await changesOf(shop, async () => {
    for (const values of CALLS[procedure]?.(scene) ?? []) {
      await prepare(db, shop);
      answers.push(
        await rowsOf(db, `${procedure}(${values.map(() => '?').join(', ')})`, ...values),
      );
    }
  });
  await after?.(db, shop);
  return { answers: comparable(answers), changed };
}

/** Times as tens of minutes from now, and what a call took not at all. */
function comparable(answers: unknown[]): unknown[] {
  const now = Date.now();
  const told = JSON.stringify(answers)
    .replaceAll(
      /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)/g,
      (_, day: string, time: string) =>
        `${Math.round((Date.parse(`${day}T${time}Z`) - now) / 600_000)}0 minutes from now`,
    )
    .replaceAll(
      /"last_sweep_at":(\d+)/g,
      (_, at: string) => `"last_sweep_at":${Math.round((Number(at) * 1000 - now) / 600_000)}`,
    )
    // A place in the feed is a time, in microseconds.
    .replaceAll(
      /"position":(\d+)/g,
      (_, at: string) => `"position":${Math.round((Number(at) / 1000 - now) / 600_000)}`,
    )
    .replaceAll(
      /"(\w+_seconds)":(\d+)/g,
      (_, name: string, n: string) => `"${name}":${Math.round(Number(n) / 600)}`,
    )
    .replaceAll(/(\d+) seconds/g, (_, n: string) => `${Math.round(Number(n) / 600)}0 minutes`)
    .replaceAll(/"duration_ms":\d+/g, '"duration_ms":0')
    .replaceAll(/order_timeout_test_\w+|test_[0-9a-f]{8}_\w+/g, 'NAME');
  return JSON.parse(told) as unknown[];
}

/** What is deployed; the deployments' own registry is no routine's business. */
async function ownNames(shop: Shop): Promise<string[]> {
  const rows = await shop.run<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = DATABASE() AND table_name LIKE 'order\\_timeout\\_%'
        AND table_name NOT IN ('order_timeout_migration', 'order_timeout_object')`,
  );
  return rows.map(({ name }) => name);
}

const AMOUNT = /amount|taken|returned|refund|^due$|^given$|^owed$|balance|^points$|missing/;

/** A row as an attacker would like it: more was taken, all is pending and long past its time. */
function forgedRow(row: Record<string, unknown>): unknown[] {
  return Object.entries(row).map(([column, value]) => {
    if (AMOUNT.test(column) && /^-?\d+$/.test(String(value))) return 5 * Number(value);
    if (column === 'status') return 1;
    if (column === 'verdict') return 'due';
    if (['created_at', 'due_from', 'times_out_at', 'expires_at'].includes(column))
      return '2020-01-01';
    return value;
  });
}

/** A temporary table of every name of the engine and of the shop, with its columns and better rows. */
async function forge(db: Connection, shop: Shop): Promise<void> {
  const root = await shop.connect({ dateStrings: true, jsonStrings: true });
  await root.query('SET group_concat_max_len = 10000');
  const [columns] = await root.query<RowDataPacket[]>(
    `SELECT table_name AS name, GROUP_CONCAT('\`', column_name, '\` ', column_type, ' NULL' ORDER BY ordinal_position) AS columns
       FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name IN (?)
      GROUP BY table_name`,
    [[...(await ownNames(shop)), ...SHOP_TABLES]],
  );
  const statements: string[] = [];
  for (const { name, columns: definition } of columns) {
    const [rows] = await root.query<RowDataPacket[]>('SELECT * FROM ?? LIMIT 100', [name]);
    statements.push(
      root.format('DROP TEMPORARY TABLE IF EXISTS ??', [name]),
      root.format(`CREATE TEMPORARY TABLE ?? (${String(definition)})`, [name]),
    );
    if (rows.length > 0)
      statements.push(root.format('INSERT INTO ?? VALUES ?', [name, rows.map(forgedRow)]));
  }
  await db.query(statements.join(';\n'));
}

async function isReadable(db: Connection, name: string): Promise<boolean> {
  return db.query('SELECT 1 FROM ?? LIMIT 1', [name]).then(
    () => true,
    () => false,
  );
}

const inAnotherTime = (seconds: number): Attack => ({
  prepare: (db) => db.query('SET timestamp = ?', [Math.round(Date.now() / 1000) + seconds]),
  after: async (_, shop) => {
    expect(await timesAround(shop, seconds)).toEqual([]);
  },
});

const ATTACKS: Record<string, Attack> = {
  'temporary tables of whatever name': {
    prepare: forge,
    after: async (db, shop) => {
      const left = [];
      for (const name of await ownNames(shop)) if (await isReadable(db, name)) left.push(name);
      expect(left).toEqual([]);
      for (const table of SHOP_TABLES) expect(await isReadable(db, table)).toBe(true);
    },
  },
  'SET timestamp in two days': inAnotherTime(172_800),
  'SET timestamp two days ago': inAnotherTime(-172_800),
};

/** The same things happen in both, one after another, so that they have the same ids. */
let usualShop: Shop;
let attackedShop: Shop;
beforeAll(async () => {
  usualShop = await createShop();
  attackedShop = await createShop();
});

test.each(PROCEDURES)(
  '%s() answers and does the same whatever its caller has set',
  async (procedure) => {
    for (const [what, attack] of Object.entries(ATTACKS)) {
      const usual = await calledFrom(usualShop, procedure, { prepare: () => Promise.resolve() });
      expect(await calledFrom(attackedShop, procedure, attack), what).toEqual(usual);
    }
  },
);

test.each(PROCEDURES)('%s() does nothing for a caller who has set insert_id', async (procedure) => {
  const refused = calledFrom(attackedShop, procedure, {
    prepare: (db) => db.query('SET insert_id = 18446744073709551614'),
  });
  await expect(refused).rejects.toMatchObject({ errno: 50001 });
});

test.each(['cancel_expired_orders()', 'reconcile_orders(NULL)', 'read_cancellations(0, 0, 9)'])(
  'a refused %s leaves the next transaction its isolation',
  async (called) => {
    const db = await attackedShop.connect();
    await db.query("SET transaction_isolation = 'REPEATABLE-READ', insert_id = 7");
    await expect(rowsOf(db, called)).rejects.toMatchObject({ errno: 50001 });
    await db.query('SET insert_id = 0');
    await db.query('BEGIN');
    const policies = async () =>
      (await db.query<RowDataPacket[]>('SELECT * FROM order_timeout_policy'))[0].length;
    const before = await policies();
    await attackedShop.run('INSERT INTO order_timeout_policy (source_type) VALUES (44)');
    expect(await policies()).toBe(before);
    await attackedShop.run('DELETE FROM order_timeout_policy WHERE source_type = 44');
  },
);

test('an id 0 for the batch, which LAST_INSERT_ID() does not tell, brings back nothing of an earlier one', async () => {
  await emptyTables(attackedShop);
  const done = await pendingOrder(attackedShop, { coupon: 400, points: 4 });
  await sweep(attackedShop.db);
  const [batch] = await attackedShop.run('SELECT MAX(id) AS id FROM order_timeout_batch');
  const db = await attackedShop.connect();
  await db.query('SET insert_id = 0, last_insert_id = ?', [batch?.id]);
  const changed = await changesOf(attackedShop, async () => {
    const repaired = rowsOf(db, 'repair_missing_refund(?)', done.orderId);
    await expect(repaired).rejects.toMatchObject({ errno: 50001 });
  });
  expect(changed).toEqual({});
});

/** Columns in which a time stands that is this far from now. */
async function timesAround(shop: Shop, seconds: number): Promise<string[]> {
  const columns = await shop.run<{ table: string; column: string }>(
    `SELECT columns.table_name AS \`table\`, column_name AS \`column\`
       FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
      WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND data_type IN ('datetime', 'timestamp')
        AND columns.extra NOT LIKE '%on update%' /* the shop's, not written by the engine */`,
  );
  const found: string[] = [];
  for (const { table, column } of columns) {
    const rows = await shop.run(
      'SELECT 1 FROM ?? WHERE ABS(TIMESTAMPDIFF(SECOND, NOW(), ??) - ?) < 3600',
      [table, column, seconds],
    );
    if (rows.length > 0) found.push(`${table}.${column}`);
  }
  return found;
}
