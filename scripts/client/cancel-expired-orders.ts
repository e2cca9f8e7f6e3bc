import { type CallOptions, callProcedure } from './call';
import type { Database } from './database';
import { count, oneOf, onlyRow, whole } from './rows';

const OUTCOMES = ['completed', 'out_of_time', 'busy', 'paused', 'read_only'] as const;

/**
 * - `completed`: nothing is left that is due, except what somebody held locked.
 * - `out_of_time`: the time budget is used up; the next sweep goes on.
 * - `busy`: another sweep runs.
 * - `paused`: order_timeout_setting says so.
 * - `read_only`: this server takes no writes, or is not its group's primary.
 */
export type CancelExpiredOrdersOutcome = (typeof OUTCOMES)[number];

export interface CancelExpiredOrdersResult {
  /** order_timeout_run.id; null: there was nothing to do. */
  readonly runId: bigint | null;
  readonly outcome: CancelExpiredOrdersOutcome;
  /** Orders that were cancelled. */
  readonly cancelled: number;
  /** Coupon money given back, in minor units (10 yuan = 1000n). */
  readonly couponRefunded: bigint;
  /** Points given back. */
  readonly pointsRefunded: bigint;
  /** Orders that could not be cancelled; order_timeout_failure says why. */
  readonly failed: number;
  readonly durationMs: number;
}

/**
 * The sweep, as the event runs it every minute: cancels all unpaid orders that are past their time.
 * It may take as long as its time budget, 50 seconds by default. Calls `cancel_expired_orders`.
 *
 * It runs transactions of its own. Throws `OrderTimeoutError` `IN_TRANSACTION` on a connection that
 * has one open, or autocommit off; other errors as `cancelExpiredOrder`.
 */
export async function cancelExpiredOrders(
  db: Database,
  options: CallOptions = {},
): Promise<CancelExpiredOrdersResult> {
  return await callProcedure(db, {
    ...options,
    procedure: 'cancel_expired_orders',
    args: [],
    read: (rows) => {
      const row = onlyRow(rows);
      return {
        runId: row.run_id === null ? null : whole(row, 'run_id'),
        outcome: oneOf(row, 'outcome', OUTCOMES),
        cancelled: count(row, 'cancelled'),
        couponRefunded: whole(row, 'coupon_refunded'),
        pointsRefunded: whole(row, 'points_refunded'),
        failed: count(row, 'failed'),
        durationMs: count(row, 'duration_ms'),
      };
    },
  });
}
