import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Example, shopFileOf } from '../../scripts/dev/shop';
import { createShop, deployEngine, emptyTables, sharedShop, type Shop } from '../support';

/** A database with these tables, without the engine. */
export const createTables = (schema: string) => createShop({ deploy: false, schema: () => schema });

/** A database with the tables of an example shop, without the engine. */
export const tablesOf = async (example: Example) =>
  createTables(await readFile(join(__dirname, example, 'schema.sql'), 'utf8'));

/** The same with the engine deployed with its file. */
export async function createExample(example: Example): Promise<Shop> {
  const shop = await tablesOf(example);
  await deployEngine(shop.url, { clock: shop.clock, event: false, shop: shopFileOf(example) });
  return shop;
}

/** Orders of a test's own shop, by the names of `ordersOf()`. `more`: further columns. */
export const purchases = (more = '') => `
CREATE TABLE purchase (
    id BIGINT PRIMARY KEY,
    user_id BIGINT NOT NULL DEFAULT 7,
    status INT NOT NULL DEFAULT 0,
    created_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP() - INTERVAL 1 HOUR)${more === '' ? '' : `,\n    ${more}`}
);
`;

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

/** What an order gives back: points, to its user's row in `guest`. */
export const GUESTS_POINTS = `
give_back:
  points:
    order: {target: o.user_id, amount: o.points}
    target: {table: guest, id: id}
    add: points
`;

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
  options: { readonly takeProposals?: boolean } = {},
) =>
  withShopFile(file, views, (path) =>
    deployEngine(shop.url, { clock: shop.clock, event: false, shop: path, ...options }),
  );

/** A database with these tables, to which the engine is deployed with this shop file. */
export async function createDeployed(
  schema: string,
  file: string,
  views?: Readonly<Record<string, string>>,
): Promise<Shop> {
  const shop = await createTables(schema);
  await deployFile(shop, file, views);
  return shop;
}

/**
 * The shop of all tests of a file, as freshly deployed for each of them. What a test writes itself may leave out
 * columns that must have a value and are nothing to the engine.
 */
export function exampleOfFile(example: Example): Shop {
  return sharedShop(
    () => createExample(example),
    async (shop) => {
      await emptyTables(shop);
      await shop.run("SET sql_mode = ''");
    },
  );
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

export interface Answer {
  readonly outcome: string;
  readonly returned: Readonly<Record<string, string>>;
}

async function answer(shop: Shop, name: string, ...values: unknown[]): Promise<Answer> {
  const [row] = await call<Answer>(shop, name, ...values);
  if (row === undefined) throw new Error(`${name} gave no row`);
  return row;
}

export const sweep = (shop: Shop) => answer(shop, 'cancel_expired_orders');
export const cancel = (shop: Shop, order: number) => answer(shop, 'cancel_expired_order', order);
export const cancelAsAdmin = (shop: Shop, order: number) =>
  answer(shop, 'cancel_order_as_admin', order, null);

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

/** The same once all orders have been looked at. */
export async function findingsOfAll(shop: Shop): Promise<string[]> {
  await call(shop, 'reconcile_orders', null);
  return findings(shop);
}
