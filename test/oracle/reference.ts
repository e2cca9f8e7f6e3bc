import { couponLedgerOf, linesOf, pointsLedgerOf, sumOf, timesCancelled } from './shop-data';
import type { Cause, Coupon, CouponLedgerRow, JournalRow, Kind, Order } from './shop-data';
import type { OrderCoupon, PointsRow, ShopData } from './shop-data';

/**
 * The loop that the engine replaces (a task in the shop's application, in Go), told again statement by
 * statement: one order after the other, nobody else at work. `REFERENCE` is what it does; where the
 * engine decides otherwise on purpose, differences.ts replaces one of these rules by its own.
 */
export interface Rules {
  /** Whether a pending order is nobody's to cancel. */
  contradictsItself(order: Order): boolean;
  /** Whose coupons come back. */
  couponsOf(shop: ShopData, order: Order): readonly number[];
  /** What order_coupons says was taken, from all its rows for this order and coupon. */
  appliedAmount(rows: readonly OrderCoupon[]): number;
  /** Which ledger rows of this order and coupon count when order_coupons says nothing. */
  countsAsTaken(row: CouponLedgerRow, order: Order): boolean;
  /** Whether nothing more is due after this ledger row of the order and coupon. */
  settles(row: CouponLedgerRow): boolean;
  /** What of the coupon's money came back before. */
  couponReturned(shop: ShopData, order: Order, couponId: number): number;
  /** Whether this may be given back to this coupon or user for this order. */
  mayGive(shop: ShopData, order: Order, kind: Kind, targetId: number): boolean;
  /** Whether a coupon that gets its money becomes usable. */
  becomesUsable(shop: ShopData, order: Order, coupon: Coupon): boolean;
  /** Whether a coupon of the order is set free though it got nothing. */
  isSetFree(order: Order, coupon: Coupon): boolean;
  /** The coupon that may get something. */
  couponRow(shop: ShopData, couponId: number): Coupon | undefined;
  /** What of the points came back before. */
  pointsReturned(shop: ShopData, order: Order): number;
  /** The row that points go back to; undefined: a new one. */
  pointsRow(shop: ShopData, order: Order): PointsRow | undefined;
}

export const REFERENCE: Rules = {
  contradictsItself: () => false,
  couponsOf: (_shop, order) => [order.couponId ?? 0],
  // One number is scanned from however many rows there are: the last one stays.
  appliedAmount: (rows) => rows.at(-1)?.appliedAmount ?? 0,
  countsAsTaken: (row, order) =>
    row.userId === order.userId && ['reserve', 'usage'].includes(row.action),
  settles: ({ action }) => action === 'timeout_refund',
  couponReturned: () => 0,
  mayGive: () => true,
  becomesUsable: () => true,
  isSetFree: () => false,
  couponRow: (shop, couponId) => shop.coupons.find(({ id }) => id === couponId),
  pointsReturned: () => 0,
  pointsRow: (shop, order) => shop.points.find(({ userId }) => userId === order.userId),
};

/** What an order took from one coupon, or as points, and what of it came back before. */
export interface Due extends Pick<JournalRow, 'kind' | 'targetId' | 'taken' | 'source'> {
  readonly returned: number;
  readonly due: number;
  /** What the ledger says was taken. */
  readonly ledgerTaken: number;
}

/** The key of what an order returns once, to whatever account. */
const ONCE = 0;

export function duesOf(shop: ShopData, order: Order, rules: Rules): Due[] {
  const coupons = rules.couponsOf(shop, order).filter((couponId) => couponId > 0);
  const dues = coupons.map((couponId) => couponDue(shop, order, couponId, rules));
  if (order.pointsAmount <= 0) return dues;
  const returned = rules.pointsReturned(shop, order);
  const taken = order.pointsAmount;
  const ledgerTaken = sumOf(
    pointsLedgerOf(shop, order).filter((row) => row.points < 0 && row.action === 'order_deduct'),
    (row) => -row.points,
  );
  const due = Math.max(taken - returned, 0);
  const points = { taken, returned, due, source: 'orders', ledgerTaken } as const;
  return [...dues, { kind: 'points', targetId: ONCE, ...points }];
}

function couponDue(shop: ShopData, order: Order, couponId: number, rules: Rules): Due {
  const history = couponLedgerOf(shop, order, couponId);
  const applied = rules.appliedAmount(linesOf(shop, order, couponId));
  const ledgerTaken = sumOf(
    history.filter((row) => row.change < 0 && rules.countsAsTaken(row, order)),
    ({ change }) => -change,
  );
  const taken = applied > 0 ? applied : ledgerTaken;
  const returned = rules.couponReturned(shop, order, couponId);
  const due = history.some((row) => rules.settles(row)) ? 0 : Math.max(taken - returned, 0);
  const source = applied > 0 ? 'order_coupons' : 'ledger';
  return { kind: 'coupon', targetId: couponId, taken, returned, due, source, ledgerTaken };
}

export const CALLERS_REMARK = 'changed my mind';

/** What is written of a refund. */
const WORDS: Record<Cause, { readonly action: string; readonly remark: string }> = {
  timeout: { action: 'timeout_refund', remark: 'order_timeout' },
  user: { action: 'cancel_refund', remark: CALLERS_REMARK },
  admin: { action: 'cancel_refund', remark: CALLERS_REMARK },
  repair: { action: 'repair_refund', remark: 'order_repair' },
};

/** cancelExpiredOrder(): coupon, points, order. CancelOrder() is not in the reference; its refunds are said to be the same, in other words. */
export function cancelOrder(shop: ShopData, order: Order, rules: Rules, cause: Cause): void {
  shop.cancellations.push({ orderId: order.id, cause });
  giveBack(shop, order, rules, cause);
  order.status = 3;
  order.cancelledAt = 'now';
}

export function giveBack(shop: ShopData, order: Order, rules: Rules, cause: Cause): void {
  const { id: orderId, userId } = order;
  const { action, remark } = WORDS[cause];
  const nth = timesCancelled(shop, order);
  for (const due of duesOf(shop, order, rules)) {
    const { kind, targetId, taken, ledgerTaken, source, due: amount } = due;
    const mayGive = amount > 0 && rules.mayGive(shop, order, kind, targetId);
    const claim = (accountId: number) => {
      const what = {
        orderId,
        userId,
        kind,
        targetId,
        accountId,
        amount,
        taken,
        ledgerTaken,
        source,
      };
      shop.journal.push({ ...what, cause, nth });
    };
    const words = { action, createdAt: 'now' } as const;
    if (kind === 'points') {
      if (!mayGive) continue;
      claim(givePoints(shop, order, amount, rules));
      const of = { refTable: 'orders', refId: String(orderId), remark };
      shop.pointsLedger.push({ userId, points: amount, ...of, ...words });
      continue;
    }
    const coupon = rules.couponRow(shop, targetId);
    if (coupon === undefined) continue;
    if (mayGive) {
      coupon.balance += amount;
      if (rules.becomesUsable(shop, order, coupon)) free(coupon);
      shop.couponLedger.push({ userId, couponId: targetId, change: amount, orderId, ...words });
      claim(targetId);
    }
    if (rules.isSetFree(order, coupon)) free(coupon);
  }
}

/** Returns the row that got them; 0: a new one. */
function givePoints(shop: ShopData, order: Order, points: number, rules: Rules): number {
  const existing = rules.pointsRow(shop, order);
  if (existing !== undefined) existing.points += points;
  else shop.points.push({ id: null, userId: order.userId, points, validEnd: null, isDead: false });
  return existing?.id ?? 0;
}

function free(coupon: Coupon): void {
  coupon.status = 1;
  coupon.usedOrderId = null;
  coupon.usedAt = null;
}
