import type { Connection } from 'mysql2/promise';
import { ask, oneOf, onlyRow, text, type TextRow, whole } from './rows';
import { instantJustWritten } from './shop-time';

interface Answered {
  readonly orderId: bigint;
  /** Coupon money given back, in minor units (10 yuan = 1000n). */
  readonly couponRefunded: bigint;
  /** Points given back. */
  readonly pointsRefunded: bigint;
}

/** What became of one order: `outcome` says it, and only `cancelled` has a time. */
export type Cancellation<Refusal extends string> =
  | (Answered & { readonly outcome: 'cancelled'; readonly cancelledAt: Date })
  | (Answered & { readonly outcome: Refusal; readonly cancelledAt: null });

/** Reads the one row of cancel_expired_order() and cancel_order(). */
export async function readCancellation<const Refusal extends string>(
  rows: readonly TextRow[],
  connection: Connection,
  refusals: readonly Refusal[],
): Promise<Cancellation<Refusal>> {
  const row = onlyRow(rows);
  const answered: Answered = {
    orderId: whole(row, 'order_id'),
    couponRefunded: whole(row, 'coupon_refunded'),
    pointsRefunded: whole(row, 'points_refunded'),
  };
  if (row.outcome !== 'cancelled') {
    return { ...answered, outcome: oneOf(row, 'outcome', refusals), cancelledAt: null };
  }
  const clock = await ask(connection, 'SELECT UTC_TIMESTAMP(3) AS utc_now');
  const cancelledAt = instantJustWritten(
    text(row, 'cancelled_at'),
    text(onlyRow(clock.rows), 'utc_now'),
  );
  return { ...answered, outcome: 'cancelled', cancelledAt };
}
