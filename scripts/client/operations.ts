import { type Id, instant } from './arguments';
import type { CallOptions } from './call';
import type { Database } from './database';
import { rowOf, type RowOf, rowsOf } from './procedures';
import { type ShopClock, shopTimeOf } from './shop-time';

export type CancelExpiredOrdersResult = RowOf<'cancel_expired_orders'>;

/**
 * The sweep, as the event runs it every minute: cancels all unpaid orders that are past their time.
 * It may take as long as its time budget, 50 seconds by default. Calls `cancel_expired_orders`.
 * Outcomes:
 * - `completed`: nothing is left that is due, except what somebody held locked.
 * - `out_of_time`: the time budget is used up; the next sweep goes on.
 * - `busy`: another sweep runs.
 * - `paused`: order_timeout_setting says so.
 * - `read_only`: this server takes no writes, or is not its group's primary.
 *
 * It runs transactions of its own. Throws `IN_TRANSACTION` on a connection that has one open; other
 * errors as `cancelExpiredOrder`.
 */
export function cancelExpiredOrders(
  db: Database,
  options?: CallOptions,
): Promise<CancelExpiredOrdersResult> {
  return rowOf(db, 'cancel_expired_orders', {}, options);
}

export interface PreviewOptions extends CallOptions {
  /** At most so many orders, 1 to 100000. Default: 100. */
  readonly limit?: number | undefined;
}

/** An order that the next sweep cancels, and what would come back. */
export type ExpiredOrder = RowOf<'preview_expired_orders'>;

/**
 * Shows what the next sweep would do, and does nothing: oldest first. Calls `preview_expired_orders`.
 *
 * Throws `INVALID_ARGUMENT`, `INVALID_NUMBER`, `SETTING_LOST`; other errors as `cancelExpiredOrder`.
 */
export async function previewExpiredOrders(
  db: Database,
  { limit = 100, ...options }: PreviewOptions = {},
): Promise<ExpiredOrder[]> {
  return await rowsOf(db, 'preview_expired_orders', { limit }, options);
}

/** One fact about an order. */
export type Explanation = RowOf<'explain_order_timeout'>;

/**
 * Tells in plain words why an order was, or was not, or will be cancelled, and what came back. It
 * answers for any id, also one of which there is no order. Calls `explain_order_timeout`.
 *
 * Errors: as `cancelExpiredOrder`.
 */
export function explainOrderTimeout(
  db: Database,
  orderId: Id,
  options?: CallOptions,
): Promise<Explanation[]> {
  return rowsOf(db, 'explain_order_timeout', { orderId }, options);
}

export interface AuditOptions extends CallOptions {
  /** Only orders placed from then on. Default: all. */
  readonly since?: Date | undefined;
}

/** What a cancelled order took, as from a coupon or a user's points, and never fully gave back. */
export type MissingRefund = RowOf<'audit_missing_refunds'>;

/**
 * Lists cancelled orders that never got something back, whoever cancelled them, by order id. Locks
 * nothing. Calls `audit_missing_refunds`; with `since` also `order_timeout_clock`, on which it needs
 * EXECUTE too.
 *
 * Throws `INVALID_ARGUMENT`, `SETTING_LOST`; other errors as `cancelExpiredOrder`.
 */
export async function auditMissingRefunds(
  db: Database,
  { since, ...options }: AuditOptions = {},
): Promise<MissingRefund[]> {
  const from = await shopTime(db, since, options);
  return await rowsOf(db, 'audit_missing_refunds', { since: from }, options);
}

export type RepairedRefund = RowOf<'repair_missing_refund'>;

/**
 * Gives back what `auditMissingRefunds` finds for one order, exactly once, and resolves with what was
 * found and given. Empty: nothing is missing, or there is no such cancelled order. Calls
 * `repair_missing_refund`.
 *
 * Transactions, units and errors: as `cancelExpiredOrder`.
 */
export function repairMissingRefund(
  db: Database,
  orderId: Id,
  options?: CallOptions,
): Promise<RepairedRefund[]> {
  return rowsOf(db, 'repair_missing_refund', { orderId }, options);
}

/** What an order took of one kind and target, and what of it came back. */
export type OrderMoney = RowOf<'order_money'>;

/**
 * Support's one answer: what an order took, what of it came back, what is owed and what is missing.
 * Locks nothing. Calls `order_money`.
 *
 * Errors: as `cancelExpiredOrder`.
 */
export function orderMoney(
  db: Database,
  orderId: Id,
  options?: CallOptions,
): Promise<OrderMoney[]> {
  return rowsOf(db, 'order_money', { orderId }, options);
}

/** What a person has to look at. */
export type Finding = RowOf<'list_findings'>;

/**
 * Lists what a person has to look at, oldest first. Calls `list_findings`.
 *
 * Throws `INVALID_NUMBER`; other errors as `cancelExpiredOrder`.
 */
export function listFindings(
  db: Database,
  { limit = 100, ...options }: PreviewOptions = {},
): Promise<Finding[]> {
  return rowsOf(db, 'list_findings', { limit }, options);
}

export interface SettleOptions extends CallOptions {
  /** What was done, for people, at most 255 characters. Default: nothing is said. */
  readonly remark?: string | undefined;
}

export type SettleFindingResult = RowOf<'settle_finding'>;

/**
 * Says that a finding is dealt with: it opens again only if its amounts change. Calls
 * `settle_finding`. Outcomes: `settled`, `already_settled`, `not_found`.
 *
 * Errors: as `cancelExpiredOrder`.
 */
export function settleFinding(
  db: Database,
  findingId: Id,
  { remark, ...options }: SettleOptions = {},
): Promise<SettleFindingResult> {
  return rowOf(db, 'settle_finding', { findingId, remark }, options);
}

export type ReconcileOrdersResult = RowOf<'reconcile_orders'>;

/**
 * Looks at all orders placed since an instant (default: all), in transactions of its own: opens
 * findings, and closes those that are true no longer. The sweep does the same by itself, bit by bit.
 * Calls `reconcile_orders`; with `since` also `order_timeout_clock`.
 *
 * Throws `IN_TRANSACTION`, `INVALID_ARGUMENT`; other errors as `cancelExpiredOrder`.
 */
export async function reconcileOrders(
  db: Database,
  { since, ...options }: AuditOptions = {},
): Promise<ReconcileOrdersResult> {
  const from = await shopTime(db, since, options);
  return await rowOf(db, 'reconcile_orders', { since: from }, options);
}

/** A payment whose money is to be sent back. */
export type LatePayment = RowOf<'list_late_payments'>;

/**
 * Lists the payments whose money is to be sent back, oldest first: `acceptPayment` could not accept
 * them, and nobody has called `settleLatePayment`. Calls `list_late_payments`.
 *
 * Throws `INVALID_NUMBER`; other errors as `cancelExpiredOrder`.
 */
export function listLatePayments(
  db: Database,
  { limit = 100, ...options }: PreviewOptions = {},
): Promise<LatePayment[]> {
  return rowsOf(db, 'list_late_payments', { limit }, options);
}

export type SettleLatePaymentResult = RowOf<'settle_late_payment'>;

/**
 * Says that the money of a payment was sent back, which `acceptPayment` could not accept. Calls
 * `settle_late_payment`. Outcomes: `settled`; `already_settled`; `not_owed`: nothing is to be sent
 * back; `not_found`: no such reference was told.
 *
 * Throws `INVALID_ARGUMENT`; other errors as `cancelExpiredOrder`.
 */
export function settleLatePayment(
  db: Database,
  reference: string,
  { remark, ...options }: SettleOptions = {},
): Promise<SettleLatePaymentResult> {
  return rowOf(db, 'settle_late_payment', { reference, remark }, options);
}

export type RetryFailedOrderResult = RowOf<'retry_failed_order'>;

/**
 * Has the next sweep try an order again that failed, also one that was set aside; its attempts count
 * from 0 again. Calls `retry_failed_order`. Outcomes: `retrying`; `not_failed`: it is not among the
 * orders that failed.
 *
 * Transactions and errors: as `cancelExpiredOrder`.
 */
export function retryFailedOrder(
  db: Database,
  orderId: Id,
  options?: CallOptions,
): Promise<RetryFailedOrderResult> {
  return rowOf(db, 'retry_failed_order', { orderId }, options);
}

export type HealthCheck = RowOf<'order_timeout_health'>;
export type HealthStatus = HealthCheck['status'];

export interface Health {
  /** The worst of all checks. */
  readonly status: HealthStatus;
  readonly checks: readonly HealthCheck[];
}

/**
 * Says whether the order timeout is at work, and what is wrong with it. Locks nothing. Calls
 * `order_timeout_health`.
 *
 * Throws `SETTING_LOST`; other errors as `cancelExpiredOrder`.
 */
export async function orderTimeoutHealth(db: Database, options?: CallOptions): Promise<Health> {
  const checks = await rowsOf(db, 'order_timeout_health', {}, options);
  const isThere = (status: HealthStatus) => checks.some((check) => check.status === status);
  return { status: isThere('fail') ? 'fail' : isThere('warn') ? 'warn' : 'ok', checks };
}

/** What monitoring wants to know. */
export type Numbers = RowOf<'order_timeout_numbers'>;

/**
 * Measures the order timeout, for monitoring. Locks nothing. Calls `order_timeout_numbers`.
 *
 * Throws `SETTING_LOST`; other errors as `cancelExpiredOrder`.
 */
export function orderTimeoutNumbers(db: Database, options?: CallOptions): Promise<Numbers> {
  return rowOf(db, 'order_timeout_numbers', {}, options);
}

/**
 * The UTC offset in which the shop writes its DATETIMEs. Calls `order_timeout_clock`.
 *
 * Throws `SETTING_LOST`; other errors as `cancelExpiredOrder`.
 */
export async function orderTimeoutClock(db: Database, options?: CallOptions): Promise<ShopClock> {
  return (await rowOf(db, 'order_timeout_clock', {}, options)).clock;
}

async function shopTime(db: Database, since: Date | undefined, options: CallOptions) {
  if (since === undefined) return null;
  return shopTimeOf(instant('since', since), await orderTimeoutClock(db, options));
}
