import type { Coupon, CouponLedgerRow, Order, OrderCoupon, ShopData } from './shop-data';

/**
 * The loop that the engine replaces (a task in the shop's application, in Go), told again statement by
 * statement: one order after the other, nobody else at work. `REFERENCE` is what it does; where the
 * engine decides otherwise on purpose, differences.ts replaces one of these rules by its own.
 */
export interface Rules {
  /** Whose coupons come back. */
  couponsOf(shop: ShopData, order: Order): readonly number[];
  /** What order_coupons says was taken, from all its rows for this order and coupon. */
  appliedAmount(rows: readonly OrderCoupon[]): number;
  /** Which ledger rows of this order and coupon count when order_coupons says nothing. */
  countsAsTaken(row: CouponLedgerRow, order: Order): boolean;
  /** What of the coupon's money came back before. */
  couponReturned(shop: ShopData, order: Order, couponId: number): number;
  /** Whether this may be given back to this coupon or user for this order. */
  mayGive(shop: ShopData, order: Order, kind: 'coupon' | 'points', targetId: number): boolean;
  /** Whether a coupon that gets its money becomes usable. */
  becomesUsable(shop: ShopData, order: Order, coupon: Coupon): boolean;
  /** Whether a coupon of the order is set free though it got nothing. */
  isSetFree(order: Order, coupon: Coupon): boolean;
  /** What of the points came back before. */
  pointsReturned(shop: ShopData, order: Order): number;
}

export const REFERENCE: Rules = {
  couponsOf: (_shop, order) => [order.couponId ?? 0],
  // One number is scanned from however many rows there are: the last one stays.
  appliedAmount: (rows) => rows.at(-1)?.appliedAmount ?? 0,
  countsAsTaken: (row, order) =>
    row.userId === order.userId && ['reserve', 'usage'].includes(row.action),
  couponReturned: () => 0,
  mayGive: () => true,
  becomesUsable: () => true,
  isSetFree: () => false,
  pointsReturned: () => 0,
};

export interface Given {
  coupons: number;
  points: number;
}

const TIMEOUT_MINUTES = 30;

/** cleanupExpiredOrders(), called until nothing is due. Returns what each cancelled order got back. */
export function cleanupExpiredOrders(shop: ShopData, rules: Rules): Map<number, Given> {
  return new Map(
    shop.orders
      .filter(isExpired)
      .map((order) => [order.id, cancelExpiredOrder(shop, order, rules, BY_TIMEOUT)]),
  );
}

/** WHERE status = 1 AND created_at < cutoff AND source_type != 3 */
export function isExpired(order: Order): boolean {
  return order.status === 1 && order.ageMinutes > TIMEOUT_MINUTES && order.sourceType !== 3;
}

export interface Words {
  readonly action: string;
  readonly remark: string;
}
export const BY_TIMEOUT: Words = { action: 'timeout_refund', remark: 'order_timeout' };
/** CancelOrder() is not in the reference; its refunds are said to be the same, in other words. */
export const BY_CANCEL: Words = { action: 'cancel_refund', remark: 'changed my mind' };

/** cancelExpiredOrder(): coupon, points, order. */
export function cancelExpiredOrder(
  shop: ShopData,
  order: Order,
  rules: Rules,
  words: Words,
): Given {
  const given: Given = { coupons: 0, points: 0 };

  // 1. The coupon.
  for (const couponId of rules.couponsOf(shop, order)) {
    if (couponId <= 0) continue;
    const coupon = shop.coupons.find(({ id }) => id === couponId);

    const amount = couponAmount(shop, order, couponId, rules);
    if (amount > 0 && coupon !== undefined && rules.mayGive(shop, order, 'coupon', couponId)) {
      coupon.balance += amount;
      if (rules.becomesUsable(shop, order, coupon)) free(coupon);
      shop.couponLedger.push({
        userId: order.userId,
        couponId,
        change: amount,
        orderId: order.id,
        action: words.action,
        createdAt: 'now',
      });
      shop.journal.push({ orderId: order.id, kind: 'coupon', targetId: couponId, amount });
      given.coupons += amount;
    }
    if (coupon !== undefined && rules.isSetFree(order, coupon)) free(coupon);
  }

  // 2. The points.
  const points = order.pointsAmount - rules.pointsReturned(shop, order);
  if (order.pointsAmount > 0 && points > 0 && rules.mayGive(shop, order, 'points', order.userId)) {
    const existing = shop.points.find(({ userId }) => userId === order.userId);
    if (existing !== undefined) existing.points += points;
    else shop.points.push({ id: null, userId: order.userId, points, validEnd: null });
    shop.pointsLedger.push({
      userId: order.userId,
      action: words.action,
      points,
      refTable: 'orders',
      refId: order.id,
      remark: words.remark,
      createdAt: 'now',
    });
    const targetId = order.userId;
    shop.journal.push({ orderId: order.id, kind: 'points', targetId, amount: points });
    given.points += points;
  }

  // 3. The order.
  order.status = 3;
  order.cancelledAt = 'now';
  return given;
}

function couponAmount(shop: ShopData, order: Order, couponId: number, rules: Rules): number {
  const history = shop.couponLedger.filter(
    (row) => row.couponId === couponId && row.orderId === order.id,
  );
  if (history.some(({ action }) => action === 'timeout_refund')) return 0;

  let applied = rules.appliedAmount(
    shop.orderCoupons.filter((row) => row.orderId === order.id && row.couponId === couponId),
  );
  if (applied <= 0) {
    applied = history
      .filter((row) => row.change < 0 && rules.countsAsTaken(row, order))
      .reduce((sum, { change }) => sum - change, 0);
  }
  return applied - rules.couponReturned(shop, order, couponId);
}

function free(coupon: Coupon): void {
  coupon.status = 1;
  coupon.usedOrderId = null;
  coupon.usedAt = null;
}
