import { parseInteger } from './arguments';
import { type CallOptions, callProcedure } from './call';
import { readShopClock } from './clock';
import type { Database } from './database';
import { count, text, whole } from './rows';
import { instantOf } from './shop-time';

export interface PreviewOptions extends CallOptions {
  /** At most so many orders, 1 to 100000. Default: 100. */
  readonly limit?: number;
}

/** An order that the next sweep cancels, and what would come back. */
export interface ExpiredOrder {
  readonly orderId: bigint;
  readonly userId: bigint;
  readonly sourceType: bigint | null;
  readonly createdAt: Date;
  /** How long it is past its time. */
  readonly overdueSeconds: number;
  /** Coupon money, in minor units (10 yuan = 1000n). */
  readonly couponRefund: bigint;
  /** Points. */
  readonly pointsRefund: bigint;
}

/**
 * Shows what the next sweep would do, and does nothing: oldest first. Calls `preview_expired_orders`
 * and `order_timeout_clock`, and needs EXECUTE on both.
 *
 * Throws `OrderTimeoutError` (`INVALID_ARGUMENT`, `SETTING_LOST`), and MySQL's own errors unchanged.
 */
export async function previewExpiredOrders(
  db: Database,
  { limit = 100, ...options }: PreviewOptions = {},
): Promise<ExpiredOrder[]> {
  const args = [parseInteger('limit', limit)];
  const clock = await readShopClock(db, options);
  return await callProcedure(db, {
    ...options,
    procedure: 'preview_expired_orders',
    args,
    read: (rows) =>
      rows.map((row) => ({
        orderId: whole(row, 'order_id'),
        userId: whole(row, 'user_id'),
        sourceType: row.source_type === null ? null : whole(row, 'source_type'),
        createdAt: instantOf(text(row, 'created_at'), clock),
        overdueSeconds: count(row, 'overdue_seconds'),
        couponRefund: whole(row, 'coupon_refund'),
        pointsRefund: whole(row, 'points_refund'),
      })),
  });
}
