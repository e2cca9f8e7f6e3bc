import { parseText } from './arguments';
import { type CallOptions, callProcedure } from './call';
import { type Cancellation, readCancellation } from './cancellation';
import type { Database } from './database';
import { OrderTimeoutError } from './errors';
import { type Id, parseId } from './ids';

const REFUSALS = ['not_found', 'not_owner', 'not_pending'] as const;

/**
 * - `cancelled`: now, and all that was taken has come back.
 * - `not_found`: there is no such order.
 * - `not_owner`: it is another user's.
 * - `not_pending`: it is paid, or was cancelled before.
 */
export type CancelOrderOutcome = CancelOrderResult['outcome'];
export type CancelOrderResult = Cancellation<(typeof REFUSALS)[number]>;

/** A user, who can cancel orders of their own only, or an admin, who can cancel any. */
export type CancelledBy = { readonly userId: Id } | 'admin';

export interface CancelOrderOptions extends CallOptions {
  readonly by: CancelledBy;
  /** For the journal and the points ledger, at most 255 characters. Default: order_cancel. */
  readonly remark?: string;
}

/**
 * Cancels one unpaid order for its user or an admin, and gives back its coupons and points, exactly
 * once. Neither its age nor a hold matters. Calls `cancel_order`.
 *
 * A user id that is missing by mistake (undefined, null, NaN, 0) is an `INVALID_ID`: it takes
 * `by: 'admin'` to cancel as an admin.
 *
 * Transactions, units, times and errors: as `cancelExpiredOrder`.
 */
export async function cancelOrder(
  db: Database,
  orderId: Id,
  { by, remark, ...options }: CancelOrderOptions,
): Promise<CancelOrderResult> {
  return await callProcedure(db, {
    ...options,
    procedure: 'cancel_order',
    args: [parseId('orderId', orderId), parseBy(by), parseText('remark', remark)],
    read: (rows, connection) => readCancellation(rows, connection, REFUSALS),
  });
}

/** NULL is the procedure's word for an admin. Callers in JavaScript may hand in anything. */
function parseBy(by: unknown): bigint | null {
  if (by === 'admin') return null;
  if (typeof by === 'object' && by !== null && 'userId' in by)
    return parseId('by.userId', by.userId as Id);
  throw new OrderTimeoutError('INVALID_ARGUMENT', "by must be { userId } or 'admin'.");
}
