import type { Connection } from 'mysql2/promise';
import * as client from '../index';
import { serverErrno } from '../client/errors';
import { shopTimeOf } from '../client/shop-time';
import { selectColumn } from '../deploy/connection';

/** The orders of which somebody knows that nobody has paid them back elsewhere. */
export interface RepairScope {
  /** The order's type as the shop file names its column, as digits; NULL: it has none. */
  readonly sourceTypes: readonly string[];
  /** Created from then on, */
  readonly since: Date;
  /** and before. */
  readonly until: Date;
}

/** What the audit finds within the scope. Needs SELECT on the view order_timeout_shop_order, besides EXECUTE. */
export async function findRepairable(
  db: Connection,
  { sourceTypes, since, until }: RepairScope,
): Promise<client.MissingRefund[]> {
  const missing = await client.auditMissingRefunds(db, { since });
  if (missing.length === 0) return [];
  const clock = await client.orderTimeoutClock(db);
  // So that a TIMESTAMP column is compared in the shop's clock as well.
  await db.query('SET SESSION time_zone = ?', [clock]);
  const inScope = await selectColumn(
    db,
    `SELECT CAST(order_id AS CHAR) FROM order_timeout_shop_order
      WHERE order_id IN (?) AND COALESCE(CAST(source_type AS CHAR), 'NULL') IN (?) AND created_at >= ? AND created_at < ?`,
    [
      [...new Set(missing.map(({ orderId }) => orderId))],
      sourceTypes,
      shopTimeOf(since, clock),
      shopTimeOf(until, clock),
    ],
  );
  const ids = new Set(inScope);
  return missing.filter(({ orderId }) => ids.has(orderId));
}

export interface RepairReport {
  readonly repaired: readonly client.RepairedRefund[];
  readonly failed: readonly { readonly orderId: string; readonly message: string }[];
  /** The connection was lost before it was their turn. */
  readonly notTried: readonly string[];
}

/** Repairs order by order, each in a transaction of its own: one that fails does not stop the others, a lost connection does. */
export async function repairOrders(
  db: Connection,
  missing: readonly client.MissingRefund[],
): Promise<RepairReport> {
  const repaired: client.RepairedRefund[] = [];
  const failed: { orderId: string; message: string }[] = [];
  const orderIds = [...new Set(missing.map((one) => one.orderId))];
  for (const [index, orderId] of orderIds.entries()) {
    try {
      repaired.push(...(await client.repairMissingRefund(db, orderId)));
    } catch (error) {
      failed.push({ orderId, message: error instanceof Error ? error.message : String(error) });
      if (isLost(error)) return { repaired, failed, notTried: orderIds.slice(index + 1) };
    }
  }
  return { repaired, failed, notTried: [] };
}

/** Not the server's own answer, nor ours: there is no connection any more. */
function isLost(error: unknown): boolean {
  const said = error instanceof client.OutcomeUnknownError ? error.cause : error;
  return !(said instanceof client.OrderTimeoutError) && serverErrno(said) === undefined;
}
