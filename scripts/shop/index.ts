import type { Connection, RowDataPacket } from 'mysql2/promise';
import { EVERYDAY_MIX, type Mix, portions } from './mix';
import { runShopFile } from './sql-files';

export { type Books, type Disagreement, readBooks } from './books';
export { EVERYDAY_MIX, type Mix, type OrderKind } from './mix';

/** Makes the shop's six tables in the connection's database. `edit`: makes a variant of schema.sql first. */
export async function createShopTables(
  db: Connection,
  edit?: (sql: string) => string,
): Promise<void> {
  await runShopFile(db, 'schema.sql', edit);
}

export interface ExampleShopOptions {
  /** How many, beside the incidents. */
  readonly orders: number;
  /** The same seed gives the same orders. Default: 1. */
  readonly seed?: number;
  /** Default: EVERYDAY_MIX. */
  readonly mix?: Mix;
  /**
   * User 9110's two orders: `pending`, past their time; `lost`, as the old task left them; or none.
   * Only in a shop that has no orders yet. Default: pending.
   */
  readonly incidents?: 'pending' | 'lost' | 'none';
  /** The UTC offset in which the shop writes its DATETIMEs. Default: +00:00. */
  readonly clock?: string;
  /** Called with the number of orders loaded so far. */
  readonly onProgress?: (loaded: number) => void;
}

/** Orders in one transaction: millions come in many. */
const PORTION = 50_000;

/** Fills the shop's tables. About 20,000 orders a second; every balance is the sum of its ledger. */
export async function loadExampleShop(db: Connection, options: ExampleShopOptions): Promise<void> {
  const { orders, seed = 1, mix = EVERYDAY_MIX, incidents = 'pending', clock = '+00:00' } = options;
  const [rows] = await db.query<RowDataPacket[]>('SELECT @@SESSION.time_zone AS time_zone');
  await db.query('SET SESSION time_zone = ?', [clock]);
  try {
    if (incidents !== 'none') await runShopFile(db, 'incidents.sql');
    if (incidents === 'lost') await runShopFile(db, 'incidents_lost.sql');
    await runShopFile(db, 'generate_orders.sql');

    let loaded = 0;
    for (const [index, portion] of portions(orders, mix, PORTION).entries()) {
      await db.query('CALL generate_orders(?, ?, ?)', [portion.kind, portion.orders, seed + index]);
      loaded += portion.orders;
      options.onProgress?.(loaded);
    }
  } finally {
    await db.query('SET SESSION time_zone = ?', [rows[0]?.time_zone]);
  }
}
