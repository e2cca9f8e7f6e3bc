import { type CallOptions, callProcedure } from './call';
import { type Cancellation, readCancellation } from './cancellation';
import type { Database } from './database';
import { type Id, parseId } from './ids';

const REFUSALS = ['not_found', 'not_pending', 'excluded', 'on_hold', 'not_expired'] as const;

/**
 * - `cancelled`: now, and all that was taken has come back.
 * - `not_found`: there is no such order.
 * - `not_pending`: it is paid, or was cancelled before.
 * - `excluded`: orders of its source type never time out.
 * - `on_hold`: its user is at the cashier.
 * - `not_expired`: it is not past its time yet.
 */
export type CancelExpiredOrderOutcome = CancelExpiredOrderResult['outcome'];
export type CancelExpiredOrderResult = Cancellation<(typeof REFUSALS)[number]>;

/**
 * Cancels one unpaid order that is past its time, and gives back its coupons and points, exactly
 * once. Calls `cancel_expired_order`.
 *
 * On a pool, or a connection without a transaction, it is committed when this resolves. Inside a
 * transaction it joins it: nothing is committed, and your COMMIT or ROLLBACK decides.
 *
 * Ids and amounts are bigints, in minor units or points; `cancelledAt` is an instant, whatever time
 * zone the connection or the shop has.
 *
 * Throws `OrderTimeoutError` (`INVALID_ID`, `INVALID_ARGUMENT`, `SETTING_LOST`), `OutcomeUnknownError`
 * when the call was cut short (call again), and MySQL's own errors unchanged. Deadlocks are tried
 * again, except inside your transaction.
 */
export async function cancelExpiredOrder(
  db: Database,
  orderId: Id,
  options: CallOptions = {},
): Promise<CancelExpiredOrderResult> {
  return await callProcedure(db, {
    ...options,
    procedure: 'cancel_expired_order',
    args: [parseId('orderId', orderId)],
    read: (rows, connection) => readCancellation(rows, connection, REFUSALS),
  });
}
