import type { Connection } from 'mysql2/promise';
import {
  auditMissingRefunds,
  type MissingRefund,
  orderTimeoutClock,
  type RepairedRefund,
  repairMissingRefund,
} from '../index';
import { shopTimeOf } from '../client/shop-time';
import { select } from '../deploy/connection';

/** The orders of which somebody knows that nobody has paid them back elsewhere. */
export interface RepairScope {
  /** The order's type as the shop file names its column, as digits. */
  readonly sourceTypes: readonly string[];
  /** Created from then on, */
  readonly since: Date;
  /** and before. */
  readonly until: Date;
}

/** Orders asked for in one statement. */
const PORTION = 1000;

/** What the audit finds within the scope. Needs SELECT on the view order_timeout_shop_order, besides EXECUTE. */
export async function findRepairable(
  db: Connection,
  { sourceTypes, since, until }: RepairScope,
): Promise<MissingRefund[]> {
  const missing = await auditMissingRefunds(db, { since });
  const clock = await orderTimeoutClock(db);
  // So that a TIMESTAMP column is compared in the shop's clock as well.
  await db.query('SET SESSION time_zone = ?', [clock]);
  const orderIds = [...new Set(missing.map(({ orderId }) => orderId))];
  const inScope = new Set<string>();
  for (let start = 0; start < orderIds.length; start += PORTION) {
    const orders = await select<{ id: string }>(
      db,
      `SELECT CAST(order_id AS CHAR) AS id FROM order_timeout_shop_order
        WHERE order_id IN (?) AND source_type IN (?) AND created_at >= ? AND created_at < ?`,
      [
        orderIds.slice(start, start + PORTION),
        sourceTypes,
        shopTimeOf(since, clock),
        shopTimeOf(until, clock),
      ],
    );
    for (const { id } of orders) inScope.add(id);
  }
  return missing.filter(({ orderId }) => inScope.has(orderId));
}

export interface RepairReport {
  readonly repaired: readonly RepairedRefund[];
  readonly failed: readonly { readonly orderId: string; readonly message: string }[];
}

/** Repairs order by order, each in a transaction of its own: one that fails does not stop the others. */
export async function repairOrders(
  db: Connection,
  missing: readonly MissingRefund[],
): Promise<RepairReport> {
  const repaired: RepairedRefund[] = [];
  const failed: { orderId: string; message: string }[] = [];
  for (const orderId of new Set(missing.map((one) => one.orderId))) {
    try {
      repaired.push(...(await repairMissingRefund(db, orderId)));
    } catch (error) {
      failed.push({ orderId, message: error instanceof Error ? error.message : String(error) });
    }
  }
  return { repaired, failed };
}
