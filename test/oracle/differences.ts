import { REFERENCE, type Rules } from './reference';

/**
 * Where the engine decides otherwise than the reference, on purpose: each replaces rules of the
 * reference. docs/differences.md has the reason of each under its name.
 */
export const DIFFERENCES = {
  'every coupon of an order comes back': {
    couponsOf: (shop, order) => [
      ...new Set([
        order.couponId ?? 0,
        ...shop.orderCoupons
          .filter(({ orderId }) => orderId === order.id)
          .map(({ couponId }) => couponId),
      ]),
    ],
  },
  'of two rows for one coupon the larger counts': {
    appliedAmount: (rows) => Math.max(0, ...rows.map(({ appliedAmount }) => appliedAmount)),
  },
  'a ledger row counts whoever its user is': {
    countsAsTaken: ({ action }) => ['reserve', 'usage'].includes(action),
  },
  'coupon money that came back earlier is subtracted': {
    couponReturned: (shop, order, couponId) =>
      shop.couponLedger
        .filter((row) => row.orderId === order.id && row.couponId === couponId)
        .reduce((sum, { change }) => sum + Math.max(0, change), 0),
  },
  'points that came back earlier are subtracted': {
    pointsReturned: (shop, order) =>
      shop.pointsLedger
        .filter(
          (row) =>
            row.userId === order.userId && row.refTable === 'orders' && row.refId === order.id,
        )
        .reduce((sum, { points }) => sum + Math.max(0, points), 0),
  },
  'nothing is given twice for an order that is reopened': {
    mayGive: (shop, order, kind, targetId) =>
      !shop.journal.some(
        (row) => row.orderId === order.id && row.kind === kind && row.targetId === targetId,
      ),
  },
  'a coupon held for another pending order stays held': {
    becomesUsable: (shop, order, coupon) =>
      coupon.status !== 4 ||
      coupon.usedOrderId === order.id ||
      !shop.orders.some(({ id, status }) => id === coupon.usedOrderId && status === 1),
  },
  'a coupon held for the order is set free without an amount': {
    isSetFree: (order, coupon) => coupon.status === 4 && coupon.usedOrderId === order.id,
  },
} satisfies Record<string, Partial<Rules>>;

export type Difference = keyof typeof DIFFERENCES;
export const differenceNames = Object.keys(DIFFERENCES) as Difference[];

/** The engine's rules: the reference's with every difference, or with all but one. */
export function engineRules(options: { without?: Difference } = {}): Rules {
  const names = differenceNames.filter((name) => name !== options.without);
  return Object.assign({}, REFERENCE, ...names.map((name) => DIFFERENCES[name])) as Rules;
}
