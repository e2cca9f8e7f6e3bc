import type { RowDataPacket } from 'mysql2/promise';
import type { BuiltOrder, Shop } from '../support';

/** A pool or a connection. */
export interface Database {
  query(sql: string, values?: unknown[]): Promise<[unknown, unknown]>;
}

export interface Answer {
  readonly order_id: number;
  readonly outcome: string;
  readonly coupon_refunded: number;
  readonly points_refunded: number;
  readonly cancelled_at: unknown;
  readonly expires_at: unknown;
  readonly returned: unknown;
  readonly clock: unknown;
}

export interface SweepAnswer {
  readonly run_id: number | null;
  readonly outcome: string;
  readonly cancelled: number;
  readonly coupon_refunded: number;
  readonly points_refunded: number;
  readonly failed: number;
  readonly duration_ms: number;
  readonly returned: unknown;
}

type OrderId = BuiltOrder | number | string | null;

/** `CALL cancel_expired_order(?)`; its one row. */
export function cancelExpiredOrder(db: Database, order: OrderId): Promise<Answer> {
  return call(db, 'CALL cancel_expired_order(?)', [idOf(order)]);
}

/** `CALL cancel_order(?, ?, ?)` for this user; its one row. Without a user `CALL cancel_order_as_admin(?, ?)`. */
export function cancelOrder(
  db: Database,
  order: OrderId,
  userId?: number | string | null,
  remark: string | null = 'changed my mind',
): Promise<Answer> {
  return userId === undefined
    ? call(db, 'CALL cancel_order_as_admin(?, ?)', [idOf(order), remark])
    : call(db, 'CALL cancel_order(?, ?, ?)', [idOf(order), userId, remark]);
}

/** `CALL cancel_expired_orders()`; its one row. */
export function sweep(db: Database): Promise<SweepAnswer> {
  return call(db, 'CALL cancel_expired_orders()');
}

async function call<Row>(db: Database, sql: string, values: unknown[] = []): Promise<Row> {
  const [results] = (await db.query(sql, values)) as [[RowDataPacket[], unknown], unknown];
  const [rows] = results;
  if (rows.length !== 1) throw new Error(`${sql} returned ${rows.length} rows`);
  return { ...rows[0] } as Row;
}

function idOf(order: OrderId): number | string | null {
  return typeof order === 'object' ? (order?.orderId ?? null) : order;
}

export interface MysqlError {
  readonly errno: number;
  readonly sqlState: string;
  readonly message: string;
}

/** The error that this ends with; undefined: none. */
export async function errorOf(action: Promise<unknown>): Promise<MysqlError | undefined> {
  try {
    await action;
    return undefined;
  } catch (error) {
    const { errno, sqlState, message } = error as MysqlError;
    return { errno, sqlState, message };
  }
}

/** Changes the engine's settings, such as `{ batch_size: 7 }`. */
export async function configure(shop: Shop, settings: Record<string, unknown>): Promise<void> {
  await shop.run('UPDATE order_timeout_setting SET ?', [settings]);
}

/** The one row of a query. */
export async function rowOf(
  shop: Shop,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Record<string, unknown>> {
  const [row] = await shop.run(sql, values);
  if (row === undefined) throw new Error(`No row: ${sql}`);
  return { ...row };
}
