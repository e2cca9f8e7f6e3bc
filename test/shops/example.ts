import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { createShop, dropTriggers, type Shop } from '../support';
import { deployEngine } from '../support/deploy';

const ROOT = join(__dirname, '../..');

/** A database with the tables of an example shop, and the engine deployed with its file. */
export async function createExample(example: 'litemall' | 'mall'): Promise<Shop> {
  const schema = await readFile(join(ROOT, 'test/shops', example, 'schema.sql'), 'utf8');
  const shop = await createShop({ deploy: false, schema: () => schema });
  await deployEngine(shop.url, {
    clock: shop.clock,
    event: false,
    shop: join(ROOT, 'sql/shops', `${example}.yaml`),
  });
  return shop;
}

/** A database with these tables, without the engine. */
export const createTables = (schema: string) => createShop({ deploy: false, schema: () => schema });

/** The orders of a shop file, by the names that tables made for a test have; further lines of `orders`. */
export const ordersOf = (table: string, ...more: readonly string[]) =>
  [
    'orders:',
    `  table: ${table}`,
    '  id: id',
    '  user: user_id',
    '  created: created_at',
    '  status: {column: status, pending: 0, paid: 1, cancelled: 2}',
    ...more.map((line) => `  ${line}`),
  ].join('\n');

/** Works with the path of a shop file of the test's own, and files beside it. */
export async function withShopFile<T>(
  file: string,
  views: Readonly<Record<string, string>>,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'shop-file-'));
  try {
    for (const [name, text] of Object.entries({ ...views, 'shop.yaml': file }))
      await writeFile(join(folder, name), text);
    return await work(join(folder, 'shop.yaml'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

export const deployFile = (
  shop: Shop,
  file: string,
  views: Readonly<Record<string, string>> = {},
) =>
  withShopFile(file, views, (path) =>
    deployEngine(shop.url, { clock: shop.clock, event: false, shop: path }),
  );

/** Filled by a deployment, not by what happens afterwards. */
const KEPT = ['migration', 'object', 'shop', 'ledger_action'].map(
  (name) => `order_timeout_${name}`,
);

/** One shop for the tests of a file: the function returned gives it empty, as freshly deployed, to each test. */
export function exampleOfFile(example: 'litemall' | 'mall'): () => Promise<Shop> {
  let shared: Shop | undefined;
  beforeAll(async () => {
    shared = await createExample(example);
  });
  return async () => {
    const shop = shared;
    if (shop === undefined) throw new Error('The shop of the file has not been made');
    const tables = await shop.run<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables
        WHERE table_schema = ? AND table_type = 'BASE TABLE' AND table_name NOT IN (?)`,
      [shop.name, KEPT],
    );
    await dropTriggers(shop);
    for (const { name } of tables) await shop.run('DELETE FROM ??', [name]);
    await shop.run('INSERT INTO order_timeout_setting (clock) VALUES (?)', [shop.clock]);
    await shop.run('INSERT INTO order_timeout_heartbeat (id) VALUES (1)');
    return shop;
  };
}

export interface Sweep {
  readonly outcome: string;
  readonly cancelled: number;
  readonly failed: number;
  readonly returned: Readonly<Record<string, string>>;
}

/** Calls a procedure and gives its rows. */
export async function call<Row extends object>(
  shop: Shop,
  name: string,
  ...values: unknown[]
): Promise<Row[]> {
  const marks = values.map(() => '?').join(', ');
  const [rows] = (await shop.run(`CALL ${name}(${marks})`, values)) as unknown as [Row[]];
  return rows;
}

export async function sweep(shop: Shop): Promise<Sweep> {
  const [row] = await call<Sweep>(shop, 'cancel_expired_orders');
  if (row === undefined) throw new Error('the sweep gave no row');
  return row;
}

export interface Outcome {
  readonly outcome: string;
  readonly returned: Readonly<Record<string, string>>;
}

export async function cancel(shop: Shop, order: number): Promise<Outcome> {
  const [row] = await call<Outcome>(shop, 'cancel_expired_order', order);
  if (row === undefined) throw new Error('the call gave no row');
  return row;
}

/** What a person has to look at: `what kind target`. */
export async function findings(shop: Shop): Promise<string[]> {
  const rows = await call<{ order_id: number; what: string; kind: string; target_id: number }>(
    shop,
    'list_findings',
    1000,
  );
  return rows
    .map(({ order_id, what, kind, target_id }) => `${order_id}: ${what} ${kind} ${target_id}`)
    .sort();
}
