import type { Connection, RowDataPacket } from 'mysql2/promise';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { splitStatements } from '../deploy/text';

const ROOT = join(__dirname, '../..');

export const EXAMPLES = ['built-in', 'litemall', 'mall'] as const;

/** An example shop: its tables are in test/shops, its shop file in sql/shops. */
export type Example = (typeof EXAMPLES)[number];

export const shopFileOf = (example: Example) => join(ROOT, 'sql/shops', `${example}.yaml`);

/** Runs a file of test/shops/<example>. `edit`: makes a variant of it first. */
export async function runShopFile(
  db: Connection,
  example: Example,
  file: string,
  edit: (sql: string) => string = (sql) => sql,
): Promise<void> {
  const sql = edit(await readFile(join(ROOT, 'test/shops', example, file), 'utf8'));
  for (const statement of splitStatements(sql)) await db.query(statement);
}

/** The example shop's tables that the engine knows. */
export const SHOP_TABLES = [
  'orders',
  'order_coupons',
  'user_coupons',
  'user_coupon_ledger',
  'user_points',
  'user_points_ledger',
] as const;

/** Makes the tables of an example shop in the connection's database. `edit`: makes a variant of schema.sql first. */
export async function createShopTables(
  db: Connection,
  edit?: (sql: string) => string,
  example: Example = 'built-in',
): Promise<void> {
  await runShopFile(db, example, 'schema.sql', edit);
}

const ORDER_KINDS = ['paid', 'cancelled', 'due', 'young', 'excluded'] as const;

/**
 * Shares of the whole, in any unit. `due`: past its time; `young`: not yet; `excluded`: past its time, of a source
 * type that never times out.
 */
export type Mix = Readonly<Partial<Record<(typeof ORDER_KINDS)[number], number>>>;

/** A shop in which nobody has cancelled for a while: most orders are long done. */
const EVERYDAY_MIX: Mix = { paid: 60, cancelled: 20, due: 10, young: 5, excluded: 5 };

export interface ExampleShopOptions {
  /** Default: built-in, the only one that has incidents and excluded orders. */
  readonly example?: Example;
  /** How many, beside the incidents. */
  readonly orders: number;
  /** The same seed gives the same orders. Default: 1. */
  readonly seed?: number;
  /** Default: as of every day. */
  readonly mix?: Mix;
  /**
   * User 9110's two orders: `pending`, past their time; `lost`, as the old task left them; or none.
   * Only in a shop that has no orders yet. Default: pending.
   */
  readonly incidents?: 'pending' | 'lost' | 'none';
  /** The UTC offset in which the shop writes its DATETIMEs. Default: +00:00. */
  readonly clock?: string;
}

/** Orders in one transaction: millions come in many. */
const PORTION = 50_000;

/** Fills the shop's tables. About 20,000 orders a second; every balance is the sum of its ledger. */
export async function loadExampleShop(db: Connection, options: ExampleShopOptions): Promise<void> {
  const { example = 'built-in', orders, seed = 1, clock = '+00:00' } = options;
  const isBuiltIn = example === 'built-in';
  const { incidents = isBuiltIn ? 'pending' : 'none' } = options;
  const { mix = isBuiltIn ? EVERYDAY_MIX : { ...EVERYDAY_MIX, excluded: 0 } } = options;
  const [rows] = await db.query<RowDataPacket[]>('SELECT @@SESSION.time_zone AS time_zone');
  await db.query('SET SESSION time_zone = ?', [clock]);
  try {
    if (incidents !== 'none') await runShopFile(db, 'built-in', 'incidents.sql');
    if (incidents === 'lost') await runShopFile(db, 'built-in', 'incidents_lost.sql');
    await runShopFile(db, example, 'generate_orders.sql');
    for (const [index, portion] of portions(orders, mix, PORTION).entries())
      await db.query('CALL generate_orders(?, ?, ?)', [portion.kind, portion.orders, seed + index]);
  } finally {
    await db.query('SET SESSION time_zone = ?', [rows[0]?.time_zone]);
  }
}

/** Splits `orders` by the mix, into portions of at most `size`. The numbers add up to `orders`. */
export function portions(orders: number, mix: Mix, size: number) {
  const total = ORDER_KINDS.reduce((sum, kind) => sum + (mix[kind] ?? 0), 0);
  const result: { readonly kind: string; readonly orders: number }[] = [];
  let shares = 0;
  let given = 0;
  for (const kind of ORDER_KINDS) {
    shares += mix[kind] ?? 0;
    // By the running sum, so that rounding loses no order.
    const upTo = Math.round((orders * shares) / total);
    for (; given < upTo; given += result.at(-1)?.orders ?? 0)
      result.push({ kind, orders: Math.min(size, upTo - given) });
  }
  return result;
}
