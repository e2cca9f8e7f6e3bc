import { REFERENCE, type Rules } from './reference';
import { claimOf, couponLedgerOf, linesOf, pointsLedgerOf, sumOf } from './shop-data';

/** What actions mean that order_timeout_ledger_action lists. Others: positive counts as returned, negative not at all. */
export const MEANING: Readonly<Record<string, 'take' | 'return' | 'other'>> = {
  reserve: 'take',
  usage: 'take',
  order_deduct: 'take',
  timeout_refund: 'return',
  cancel_refund: 'return',
  repair_refund: 'return',
  grant: 'other',
};

/** Never below zero: what came back, less returns that were taken back. */
function returned<Row extends { readonly action: string }>(
  rows: readonly Row[],
  amountOf: (row: Row) => number,
): number {
  const counted = rows.filter((row) =>
    amountOf(row) > 0 ? MEANING[row.action] !== 'other' : MEANING[row.action] === 'return',
  );
  return Math.max(0, sumOf(counted, amountOf));
}

/**
 * Where the engine decides otherwise than the reference, on purpose: each replaces rules of the
 * reference. docs/differences.md has the reason of each under its name.
 */
export const DIFFERENCES = {
  'a pending order with a paid time is left alone': {
    contradictsItself: ({ paidAt }) => paidAt !== null,
  },
  'a dead coupon gets nothing': {
    couponRow: (shop, couponId) =>
      shop.coupons.find(({ id, isDead }) => id === couponId && !isDead),
  },
  'every coupon of an order comes back': {
    couponsOf: (shop, order) => [
      ...new Set([order.couponId ?? 0, ...linesOf(shop, order).map(({ couponId }) => couponId)]),
    ],
  },
  'of two rows for one coupon the larger counts': {
    appliedAmount: (rows) => Math.max(0, ...rows.map(({ appliedAmount }) => appliedAmount)),
  },
  'a ledger row counts whoever its user is': {
    countsAsTaken: ({ action }) => ['reserve', 'usage'].includes(action),
  },
  'a part that came back is just that part': {
    settles: () => false,
  },
  'coupon money that came back earlier is subtracted': {
    couponReturned: (shop, order, couponId) =>
      returned(couponLedgerOf(shop, order, couponId), ({ change }) => change),
  },
  'points that came back earlier are subtracted': {
    pointsReturned: (shop, order) => returned(pointsLedgerOf(shop, order), ({ points }) => points),
  },
  'points go back to a row that can be spent': {
    pointsRow: (shop, order) =>
      shop.points.find(
        ({ userId, validEnd, isDead }) => userId === order.userId && validEnd === null && !isDead,
      ),
  },
  'nothing is given twice for an order that is reopened': {
    mayGive: (shop, order, kind, targetId) => claimOf(shop, order, kind, targetId) === undefined,
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
