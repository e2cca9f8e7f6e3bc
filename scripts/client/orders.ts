import { type Id, orNone } from './arguments';
import type { CallOptions } from './call';
import type { Database } from './database';
import { rowOf, type RowOf, rowsOf } from './procedures';

export type CancelExpiredOrderResult = RowOf<'cancel_expired_order'>;

/**
 * Cancels one unpaid order that is past its time, and gives back what it took, exactly once. Calls `cancel_expired_order`. Outcomes:
 * - `cancelled`: now, and what it took has come back; what many share, as stock, with the next sweep.
 * - `not_found`: there is no such order.
 * - `not_pending`: it is paid, or was cancelled before.
 * - `contradictory`: pending and yet with a paid time, or without a usable age.
 * - `excluded`: its source type, or the shop file's `only`, keeps it from timing out.
 * - `on_hold`: its user is at the cashier.
 * - `not_expired`: it is not past its time yet.
 *
 * On a pool, or a connection without a transaction, it is committed when this resolves. Inside a
 * transaction it joins it: nothing is committed, and your COMMIT or ROLLBACK decides.
 *
 * Ids and amounts are digits in a string: exact however large, and right in JSON; `BigInt(amount)` to
 * compute. Amounts are in minor units or points. Times are instants, whatever time zone the connection
 * or the shop has.
 *
 * Throws `OrderTimeoutError` (`INVALID_ID`, `INVALID_ARGUMENT`, `SETTING_LOST`, `CLOCK_CHANGED`,
 * `ROW_GONE`, `STATUS_UNCHANGED`, `UNEXPECTED_RESULT`; `OUTCOME_UNKNOWN` when the call was cut short: call
 * again), and MySQL's own errors unchanged. Deadlocks are tried again, except inside your transaction.
 */
export function cancelExpiredOrder(
  db: Database,
  orderId: Id,
  options?: CallOptions,
): Promise<CancelExpiredOrderResult> {
  return rowOf(db, 'cancel_expired_order', { orderId }, options);
}

export type CancelOrderResult = RowOf<'cancel_order'>;

export interface CancelOrderOptions extends CallOptions {
  /** Whose order it must be. One that is missing by mistake is an `INVALID_ID`, never an admin. */
  readonly userId: Id;
  /** For the journal and the ledgers, at most 255 characters. Default: order_cancel. */
  readonly remark?: string | undefined;
}

/**
 * Cancels one unpaid order for its user, and gives back what it took, exactly once. Neither its age, a
 * policy nor a hold matters. Calls `cancel_order`. Outcomes: `cancelled`, `not_found`, `not_pending` and
 * `contradictory` as `cancelExpiredOrder`; `not_owner`: it is another user's.
 *
 * Transactions, units, times and errors: as `cancelExpiredOrder`.
 */
export function cancelOrder(
  db: Database,
  orderId: Id,
  given: CancelOrderOptions,
): Promise<CancelOrderResult> {
  const { userId, remark, ...options } = orNone(given);
  return rowOf(db, 'cancel_order', { orderId, userId, remark }, options);
}

export type CancelOrderAsAdminResult = RowOf<'cancel_order_as_admin'>;

/**
 * Cancels one unpaid order, whoever's it is: for an admin. Otherwise as `cancelOrder`. Calls
 * `cancel_order_as_admin`, on which only an admin's account should have EXECUTE.
 */
export function cancelOrderAsAdmin(
  db: Database,
  orderId: Id,
  { remark, ...options }: Omit<CancelOrderOptions, 'userId'> = {},
): Promise<CancelOrderAsAdminResult> {
  return rowOf(db, 'cancel_order_as_admin', { orderId, remark }, options);
}

export type OrderDeadline = RowOf<'order_deadlines'>;

/**
 * When orders time out, for the countdowns of a page or a list: a row for each of up to 1,000 ids, in
 * their order. Locks nothing. Calls `order_deadlines`. States: `pending`; `on_hold`; `due`: the next
 * sweep cancels it; `excluded`: it never times out; `paid`; `cancelled`; `contradictory`; `not_found`.
 *
 * Throws `INVALID_ARGUMENT` for what is no such list; other errors as `cancelExpiredOrder`.
 */
export function orderDeadlines(
  db: Database,
  orderIds: readonly Id[],
  options?: CallOptions,
): Promise<OrderDeadline[]> {
  return rowsOf(db, 'order_deadlines', { orderIds }, options);
}

export type AcceptPaymentResult = RowOf<'accept_payment'>;

/**
 * The payment callback: records a payment, once for each reference and for ever, and makes a pending
 * order paid, whatever the clock or a hold says. Calls `accept_payment`. Outcomes:
 * - `accepted`; `already_accepted`: this reference was told before.
 * - `paid_elsewhere`: it is paid without a record here; nothing to send back, a person looks at it.
 * - `already_paid` (by another reference), `too_late` (it is cancelled), `not_payable`: send the money
 *   back, then `settleLatePayment`.
 * - `reference_used`: it is on record for another order; for a payment of several orders append the
 *   order's id. `not_found`: there is no such order. Neither is recorded.
 *
 * **Commit whatever the outcome.** In a transaction of yours that is rolled back, as by throwing on
 * `too_late`, the record of the money is lost. A repeated call gets the same answer.
 *
 * Throws `INVALID_ARGUMENT` for an empty reference; transactions and errors: as `cancelExpiredOrder`.
 */
export function acceptPayment(
  db: Database,
  orderId: Id,
  reference: string,
  options?: CallOptions,
): Promise<AcceptPaymentResult> {
  return rowOf(db, 'accept_payment', { orderId, reference }, options);
}

export type HoldOrderResult = RowOf<'hold_order'>;

export interface HoldOrderOptions extends CallOptions {
  /** From now, 1 to 10080. */
  readonly minutes: number;
  /** For people, at most 255 characters. Default: none. */
  readonly reason?: string | undefined;
}

/**
 * Keeps a pending order from timing out for a while, as when its user is at the cashier. A later hold
 * replaces an earlier one. Its user, or an admin, can still cancel it. Calls `hold_order`. Outcomes:
 * `held`; `not_found`; `not_pending`: it is paid or cancelled already.
 *
 * Throws also `INVALID_NUMBER` for other minutes. Transactions and errors: as `cancelExpiredOrder`.
 */
export function holdOrder(
  db: Database,
  orderId: Id,
  given: HoldOrderOptions,
): Promise<HoldOrderResult> {
  const { minutes, reason, ...options } = orNone(given);
  return rowOf(db, 'hold_order', { orderId, minutes, reason }, options);
}

export type ReleaseOrderHoldResult = RowOf<'release_order_hold'>;

/**
 * Ends the hold of an order: it times out as usual again. Calls `release_order_hold`. Outcomes:
 * `released`; `not_held`: there was no hold to end.
 *
 * Transactions and errors: as `cancelExpiredOrder`.
 */
export function releaseOrderHold(
  db: Database,
  orderId: Id,
  options?: CallOptions,
): Promise<ReleaseOrderHoldResult> {
  return rowOf(db, 'release_order_hold', { orderId }, options);
}
