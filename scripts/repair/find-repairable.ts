import type { Connection } from 'mysql2/promise';
import { auditMissingRefunds } from '../client/audit-missing-refunds';
import { readShopClock } from '../client/clock';
import type { MissingRefund } from '../client/missing-refund';
import { ask, text } from '../client/rows';
import { shopTimeOf } from '../client/shop-time';

/** The orders of which somebody knows that nobody has paid them back elsewhere. */
export interface RepairScope {
  /** orders.source_type, as digits. */
  readonly sourceTypes: readonly string[];
  /** Placed from then on, */
  readonly since: Date;
  /** and before. */
  readonly until: Date;
}

export interface Repairable {
  /** A repair gives this back. */
  readonly toGive: readonly MissingRefund[];
  /** Taken anew after an earlier refund: a repair leaves it. */
  readonly toDecide: readonly MissingRefund[];
}

/** Orders asked for in one statement. */
const PORTION = 1000;

/**
 * What the audit finds within the scope. Needs SELECT on `orders` and on the views
 * order_timeout_coupon_refundable and order_timeout_points_refundable, besides EXECUTE.
 */
export async function findRepairable(db: Connection, scope: RepairScope): Promise<Repairable> {
  const missing = await auditMissingRefunds(db, { since: scope.since });
  const clock = await readShopClock(db, {});
  // So that a TIMESTAMP column is compared in the shop's clock as well.
  await db.query('SET SESSION time_zone = ?', [clock]);

  const inScope = new Set<string>();
  const secondTakes = new Set<string>();
  const orderIds = [...new Set(missing.map(({ orderId }) => orderId))];
  for (let start = 0; start < orderIds.length; start += PORTION) {
    const ids = orderIds.slice(start, start + PORTION).join(', ');
    const types = scope.sourceTypes.map((type) => BigInt(type)).join(', ');
    const orders = await ask(
      db,
      `SELECT id FROM orders
        WHERE id IN (${ids}) AND source_type IN (${types})
          AND created_at >= '${shopTimeOf(scope.since, clock)}' AND created_at < '${shopTimeOf(scope.until, clock)}'`,
    );
    for (const row of orders.rows) inScope.add(text(row, 'id'));
    const taken = await ask(
      db,
      `SELECT order_id, 'coupon' AS kind, coupon_id AS target_id FROM order_timeout_coupon_refundable
        WHERE order_id IN (${ids}) AND is_second_take
        UNION ALL
       SELECT order_id, 'points', user_id FROM order_timeout_points_refundable
        WHERE order_id IN (${ids}) AND is_second_take`,
    );
    for (const row of taken.rows) {
      secondTakes.add(keyOf(text(row, 'order_id'), text(row, 'kind'), text(row, 'target_id')));
    }
  }
  return sortOut(
    missing.filter(({ orderId }) => inScope.has(String(orderId))),
    ({ orderId, kind, targetId }) => secondTakes.has(keyOf(orderId, kind, targetId)),
  );
}

function sortOut(
  missing: readonly MissingRefund[],
  isSecondTake: (one: MissingRefund) => boolean,
): Repairable {
  return {
    toGive: missing.filter((one) => !isSecondTake(one)),
    toDecide: missing.filter(isSecondTake),
  };
}

const keyOf = (orderId: bigint | string, kind: string, targetId: bigint | string) =>
  `${orderId}/${kind}/${targetId}`;
