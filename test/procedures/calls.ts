import type { Connection, Pool, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { expect } from 'vitest';
import { type Baseline, findBalanceViolations, findViolations } from '../../scripts/dev/invariants';
import type { BuiltOrder, Shop } from '../support';

export type Database = Pool | Connection;
type Row = Record<string, unknown>;
type OrderId = BuiltOrder | number | string | null;

/** The rows of `CALL …`. */
export async function rowsOf(db: Database, sql: string, ...values: unknown[]): Promise<Row[]> {
  const [[rows = []]] = (await db.query(`CALL ${sql}`, values)) as unknown as [RowDataPacket[][]];
  return Array.isArray(rows) ? rows.map((row) => ({ ...row })) : [];
}

/** The one row of `CALL …`. */
export async function call(db: Database, sql: string, ...values: unknown[]): Promise<Row> {
  const [row, ...others] = await rowsOf(db, sql, ...values);
  if (row === undefined || others.length > 0) throw new Error(`${sql} has not just one row`);
  return row;
}

/**
 * Rows that the server handed out while a statement ran: from indexes and tables, those of temporary tables among
 * them. By what the session counted before and after: FLUSH STATUS would reset what other tests' sessions count too.
 */
export async function readsOf(db: Connection, sql: string): Promise<number> {
  const counted = async () => {
    const [rows] = await db.query<RowDataPacket[]>("SHOW SESSION STATUS LIKE 'Handler_read%'");
    return rows.reduce((sum, { Value }) => sum + Number(Value), 0);
  };
  const before = await counted();
  await db.query(sql);
  return (await counted()) - before;
}

export function cancelExpiredOrder(db: Database, order: OrderId): Promise<Row> {
  return call(db, 'cancel_expired_order(?)', idOf(order));
}

/** For this user; without one by an admin. */
export function cancelOrder(
  db: Database,
  order: OrderId,
  userId?: number | string | null,
  remark: string | null = 'changed my mind',
): Promise<Row> {
  return userId === undefined
    ? call(db, 'cancel_order_as_admin(?, ?)', idOf(order), remark)
    : call(db, 'cancel_order(?, ?, ?)', idOf(order), userId, remark);
}

export function sweep(db: Database): Promise<Row> {
  return call(db, 'cancel_expired_orders()');
}

export async function outcomeOf(answer: Promise<Row>): Promise<unknown> {
  return (await answer).outcome;
}

/** Looks at all orders once more. */
export const reconcile = (shop: Shop) => call(shop.db, 'reconcile_orders(NULL)');

/** What a person has to look at. */
export const listed = (shop: Shop) => rowsOf(shop.db, 'list_findings(10)');

/** Somebody sets all orders back to pending. */
export const reopen = (shop: Shop) =>
  shop.run('UPDATE orders SET status = 1, cancelled_at = NULL, paid_at = NULL');

/** As a shop should pay: it looks at how many rows it changed. */
export async function pay(db: Database, order: OrderId): Promise<number> {
  const [{ affectedRows }] = (await db.query(
    'UPDATE orders SET status = 2, paid_at = NOW(3) WHERE id = ? AND status = 1',
    [idOf(order)],
  )) as [ResultSetHeader, unknown];
  return affectedRows;
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

/** An order of which the sweep failed, and which it tries no more. */
export async function setAside(shop: Shop, order: BuiltOrder): Promise<void> {
  await shop.run(
    `INSERT INTO order_timeout_failure
            (order_id, attempts, first_failed_at, last_failed_at, retry_at, error_number, error_state, error_message)
     VALUES (?, 5, NOW(3), NOW(3), NULL, 1644, '45000', 'once')`,
    [order.orderId],
  );
}

/** A hold that ends in so many minutes. */
export async function hold(shop: Shop, order: BuiltOrder, minutes = 5): Promise<void> {
  await shop.run(
    `INSERT INTO order_timeout_hold (order_id, held_until, held_by, held_at)
     VALUES (?, NOW(3) + INTERVAL ? MINUTE, 'test', NOW(3) - INTERVAL 1 HOUR)`,
    [order.orderId, minutes],
  );
}

/** The one row of a query. */
export async function rowOf(shop: Shop, sql: string, values: unknown[] = []): Promise<Row> {
  const [row] = await shop.run(sql, values);
  if (row === undefined) throw new Error(`No row: ${sql}`);
  return { ...row };
}

/** How often this session has waited for a lock until its time was up: for a lock that is held all along, as often as it waited. */
export async function lockWaitTimeouts(db: Database): Promise<number> {
  const [[row]] = (await db.query(
    `SELECT CAST(COALESCE(SUM(errors.sum_error_raised + errors.sum_error_handled), 0) AS SIGNED) AS timeouts
       FROM performance_schema.events_errors_summary_by_thread_by_error AS errors
       JOIN performance_schema.threads USING (thread_id)
      WHERE threads.processlist_id = CONNECTION_ID() AND errors.error_number = 1205`,
  )) as [RowDataPacket[], unknown];
  return Number(row?.timeouts);
}

/** What must never be; with a baseline of all balances also where one of them differs from its ledger since. */
export async function violations(db: Database, baseline: Baseline = new Map()) {
  return [...(await findViolations(db)), ...(await findBalanceViolations(db, baseline))];
}

/** All orders are cancelled, once each; all that they took is back, once; nothing is recorded against any. */
export async function expectAllBackOnce(shop: Shop): Promise<void> {
  expect(await shop.column('SELECT DISTINCT status FROM orders')).toEqual([3]);
  const wrong = await shop.run(
    `SELECT orders.id AS order_id, COUNT(entry.order_id) AS what
       FROM orders LEFT JOIN order_timeout_cancellation AS entry ON entry.order_id = orders.id
      GROUP BY orders.id HAVING what <> 1
      UNION ALL SELECT order_id, 'failed' FROM order_timeout_failure
      UNION ALL SELECT order_id, 'coupon' FROM order_timeout_due_coupon WHERE returned <> taken
      UNION ALL SELECT order_id, 'points' FROM order_timeout_due_points WHERE returned <> taken`,
  );
  expect(wrong).toEqual([]);
  expect(await violations(shop.db)).toEqual([]);
}
