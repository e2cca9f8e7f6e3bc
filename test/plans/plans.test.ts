import { beforeAll, describe, expect, test } from 'vitest';
import { loadExampleShop } from '../../scripts/shop';
import { createShop, type Shop } from '../support';
import { type Access, accessesIn, sortedTablesIn } from './plan';
import { type Statement, statementsIn, statementsOf, type Values, withValues } from './statements';

const BATCH = 2000;

let values: Values;
let shop: Shop;
let statements: Statement[];

beforeAll(async () => {
  shop = await largeShop();
  const due = await shop.run<{ id: number; user_id: number }>(
    'SELECT id, user_id FROM orders WHERE status = 1 AND source_type = 1 ORDER BY created_at, id LIMIT ?',
    [BATCH],
  );
  const [batch] = await shop.run<{ id: number }>('SELECT MAX(id) AS id FROM order_timeout_batch');
  const ids = JSON.stringify(due.map(({ id }) => id));
  values = [
    [/_turns json$/, `'[{"source_type": 1}]'`],
    [/_batch_ids json$/, `'[${batch?.id}]'`],
    [/ json$/, `'${ids}'`],
    [/_order_id bigint$/, String(due[0]?.id)],
    [/_user_id bigint$/, String(due[0]?.user_id)],
    [/_batch_id bigint$/, String(batch?.id)],
    [/_limit int$/, String(BATCH)],
    [/_(before|after_created_at) datetime$/, "CAST('2000-01-01' AS DATETIME(3))"],
    [/ datetime$/, 'UTC_TIMESTAMP(3) - INTERVAL 30 MINUTE'],
    [/_clock char$/, "'+00:00'"],
    [/ (varchar|char)$/, "'timeout'"],
    [/ (bigint|int|tinyint|boolean|decimal)$/, '1'],
  ];
  statements = await statementsOf(shop, 'cancel_expired_orders', 'cancel_expired_order');
  // As routines have it, whatever the session's own.
  await shop.run('SET NAMES utf8mb4 COLLATE utf8mb4_0900_ai_ci');
  await shop.run('SET SESSION explain_json_format_version = 1');
});

/** Large enough that a scan is not the optimiser's choice, with something in each table of the engine. */
async function largeShop(): Promise<Shop> {
  const made = await createShop();
  const db = await made.connect();
  await loadExampleShop(db, {
    orders: 100_000,
    mix: { paid: 40, cancelled: 20, due: 30, young: 5, excluded: 5 },
    incidents: 'none',
  });
  // Held while the sweep fills the journal, so that some are due afterwards; small batches are counted, not guessed.
  await made.run(
    `INSERT INTO order_timeout_hold (order_id, held_until, held_by, held_at)
     SELECT id, UTC_TIMESTAMP(3) + INTERVAL 1 DAY, '', created_at FROM orders WHERE status = 1 AND id DIV 10 % 2`,
  );
  await made.run('UPDATE order_timeout_setting SET batch_size = 100');
  await made.run('CALL cancel_expired_orders()');
  await made.run('UPDATE order_timeout_setting SET batch_size = DEFAULT');
  await made.run('UPDATE order_timeout_hold SET held_until = held_at');
  const [size] = await made.run<{ due: number; cancellations: number }>(
    `SELECT (SELECT COUNT(*) FROM orders WHERE status = 1 AND source_type = 1) AS due,
            (SELECT COUNT(*) FROM order_timeout_cancellation) AS cancellations`,
  );
  expect(size?.due).toBeGreaterThan(BATCH);
  expect(size?.cancellations).toBeGreaterThan(BATCH);
  await made.run(
    `INSERT INTO order_timeout_failure
            (order_id, first_failed_at, last_failed_at, error_number, error_state, error_message)
     SELECT id, created_at, created_at, 0, '', '' FROM orders WHERE status = 1 ORDER BY id DESC LIMIT 3000`,
  );
  const tables = await made.run<{ name: string }>(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
  );
  for (const { name } of tables) {
    // Every page, not a sample: the estimates are then the same in every run.
    await made.run(`ALTER TABLE ${name} STATS_SAMPLE_PAGES = 65535, STATS_AUTO_RECALC = 0`);
    await made.run(`ANALYZE TABLE ${name}`);
  }
  return made;
}

async function explain(statement: Statement): Promise<Parameters<typeof accessesIn>[0]> {
  const [row] = await shop
    .run<{ EXPLAIN: string }>(`EXPLAIN FORMAT = JSON ${withValues(statement, values)}`)
    .catch((error: unknown) => {
      throw new Error(`${title(statement)}: ${(error as Error).message}`);
    });
  return JSON.parse(row?.EXPLAIN ?? 'null') as Parameters<typeof accessesIn>[0];
}

const title = ({ procedure, sql }: Statement) =>
  `${procedure}: ${sql.replace(/\s+/g, ' ').slice(0, 90)}`;

/** Of one row each, or as many as the shop has types of orders; or the server's own. */
const isTiny = ({ table }: Access) =>
  /^(order_timeout_)?(setting|policy|heartbeat)$/.test(table) ||
  /^(replication_group_members|global_variables)$/.test(table);

type Rule = (plan: Parameters<typeof accessesIn>[0]) => string[];

const scans: Rule = (plan) =>
  accessesIn(plan)
    .filter((access) => access.isBase && !isTiny(access))
    // In the order of an index, up to a LIMIT, is no scan.
    .filter(({ type, rowsPerScan }) => type === 'ALL' || (type === 'index' && rowsPerScan > BATCH))
    .map(({ table, type, rowsPerScan }) => `${table} is read by ${type}, ${rowsPerScan} rows`);

const sorts: Rule = (plan) =>
  sortedTablesIn(plan)
    .filter(({ type, rowsPerScan }) => type !== 'ref' || rowsPerScan > BATCH)
    .map(({ table, type, rowsPerScan }) => `sorts ${table}, read by ${type}, ${rowsPerScan} rows`);

const manyEach: Rule = (plan) =>
  accessesIn(plan)
    .filter(({ isBase, type }) => isBase && (type === 'ref' || type === 'eq_ref'))
    // InnoDB guesses from a sample of pages: a batch can look like twice as many, never like the whole journal.
    .filter(
      ({ keyParts, rowsPerScan }) => rowsPerScan > (keyParts[0] === 'batch_id' ? 2 * BATCH : 20),
    )
    .map(({ table, key, rowsPerScan }) => `${table} by ${key}: ${rowsPerScan} rows each`);

/** What breaks the rule, among these statements. */
async function findings(rule: Rule, among: readonly Statement[] = statements): Promise<string[]> {
  const found: string[] = [];
  for (const statement of among) {
    for (const finding of rule(await explain(statement))) {
      found.push(`${title(statement)}: ${finding}`);
    }
  }
  return found;
}

describe('the plans of the sweep and of a single call, in a large shop', () => {
  test('every statement is looked at, in every procedure that is called', () => {
    const procedures = new Set(statements.map(({ procedure }) => procedure));

    expect(procedures).toContain('order_timeout_pick');
    expect(procedures).toContain('order_timeout_lock_skipping');
    expect(procedures).toContain('order_timeout_lock_waiting');
    expect(procedures).toContain('order_timeout_give_coupons');
    expect(procedures).toContain('order_timeout_give_points');
    expect(procedures).toContain('order_timeout_close_orders');
    expect(procedures).toContain('order_timeout_purge');
    expect(statements.length).toBeGreaterThan(30);
  });

  test('no table is scanned, nor an index from end to end', async () => {
    expect(await findings(scans)).toEqual([]);
  });

  test('no table is sorted or copied: what is ordered comes ordered by an index, or is a batch', async () => {
    expect(await findings(sorts)).toEqual([]);
  });

  test('what an order leads to is found through an index, a few rows for each; what a batch leads to, a batch of them', async () => {
    expect(await findings(manyEach)).toEqual([]);
  });

  test('what is due comes from one range of the index, by equality on status and source type', async () => {
    const picking = statements.filter(
      ({ procedure, sql }) => procedure === 'order_timeout_pick' && sql.includes('p_limit'),
    );
    expect(picking).toHaveLength(1);

    for (const statement of picking) {
      const [orders] = accessesIn(await explain(statement)).filter(
        ({ table }) => table === 'orders',
      );
      expect(orders).toMatchObject({
        type: 'range',
        key: 'order_timeout_due',
        keyParts: ['status', 'source_type', 'created_at'],
      });
    }
  });
});

describe('what would be a defect', () => {
  test.each([
    ['a scan', scans, "SELECT id FROM orders WHERE remark = 'late'"],
    [
      'a scan of a table that is joined',
      scans,
      'SELECT COUNT(*) FROM order_coupons AS taken JOIN orders ON orders.id = taken.order_id',
    ],
    ['a sort', sorts, 'SELECT id FROM orders WHERE status = 1 ORDER BY points_amount LIMIT 500'],
    [
      'a temporary table',
      sorts,
      'SELECT user_id, COUNT(*) FROM orders WHERE status = 1 GROUP BY user_id',
    ],
    ['an index with too few columns', manyEach, 'SELECT id FROM orders WHERE status = 2'],
  ])('%s is seen', async (_, rule, sql) => {
    const found = await findings(rule, [{ procedure: 'none', sql, types: new Map() }]);

    expect(found).toHaveLength(1);
  });
});

describe('what is read', () => {
  test('a sweep reads as many rows in a large shop as in a small one', async () => {
    const inSmall = await readsOfSweep(1_000);
    const inLarge = await readsOfSweep(15_000);

    expect(inLarge).toBeLessThan(inSmall * 1.1 + 100);
    expect(inSmall / DUE).toBeLessThan(150);
  });
});

const DUE = 600;

/** Rows read by a sweep of DUE orders, in a shop with so many others. */
async function readsOfSweep(others: number): Promise<number> {
  const small = await createShop();
  const db = await small.connect();
  await loadExampleShop(db, { orders: DUE, mix: { due: 1 }, incidents: 'none' });
  await loadExampleShop(db, {
    orders: others,
    mix: { paid: 80, excluded: 15, young: 5 },
    incidents: 'none',
  });
  const reads = async () =>
    (await small.run<{ Value: string }>("SHOW SESSION STATUS LIKE 'Handler_read%'")).reduce(
      (sum, { Value }) => sum + Number(Value),
      0,
    );

  const before = await reads();
  await small.run('CALL cancel_expired_orders()');
  return (await reads()) - before;
}

describe('how statements are found', () => {
  test.each([
    ['BEGIN UPDATE a SET b = 1; END', ['UPDATE a SET b = 1']],
    ['BEGIN DECLARE v_x INT DEFAULT (SELECT 1 FROM a); END', ['SELECT 1 FROM a']],
    [
      'BEGIN IF EXISTS (SELECT 1 FROM a) THEN DELETE FROM b; END IF; END',
      ['SELECT 1 FROM a', 'DELETE FROM b'],
    ],
    [
      'BEGIN WHILE v_x DO INSERT INTO a SELECT * FROM (SELECT 1) AS b; END WHILE; END',
      ['INSERT INTO a SELECT * FROM (SELECT 1) AS b'],
    ],
    ["BEGIN SET v_x = ';'; SELECT 1; END", ['SELECT 1']],
  ])('%s', (body, found) => {
    expect(statementsIn(body)).toEqual(found);
  });
});
