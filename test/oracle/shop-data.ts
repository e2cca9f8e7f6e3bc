/**
 * A shop as plain data: what the reference and the engine both read and write. Ids are small and of the shop's own;
 * amounts are in minor units; fields have the names of their columns, but for those that engine.ts names.
 */
export interface ShopData {
  orders: Order[];
  orderCoupons: OrderCoupon[];
  coupons: Coupon[];
  couponLedger: CouponLedgerRow[];
  points: PointsRow[];
  pointsLedger: PointsLedgerRow[];
  /** order_timeout_refund. The reference has no journal and looks at none. */
  journal: JournalRow[];
  /** order_timeout_cancellation: by whom, once for each time. */
  cancellations: { orderId: number; cause: Cause }[];
}

export type Cause = 'timeout' | 'user' | 'admin' | 'repair';
export type Kind = 'coupon' | 'points';

/** No time is compared to the millisecond: before the test, during it, or none. */
export type When = 'earlier' | 'now' | null;

export interface Order {
  id: number;
  userId: number;
  sourceType: number | null;
  /** 1 pending, 2 paid, 3 cancelled, 0 something else; a shop's own codes are the engine's matter. */
  status: number;
  /** 0, negative or null: none. */
  couponId: number | null;
  pointsAmount: number;
  /** A text: no time from which an age could be counted. */
  ageMinutes: number | NoTime;
  cancelledAt: When;
  paidAt: When;
  isHeld: boolean;
}

export type NoTime = 'NULL' | "'0000-00-00'" | "'0999-12-31 23:59:59'";

export interface OrderCoupon {
  orderId: number;
  couponId: number;
  appliedAmount: number;
}

export interface Coupon {
  id: number;
  userId: number;
  /** 1 usable, 2 used up, 3 expired, 4 held for an order. */
  status: number;
  balance: number;
  usedOrderId: number | null;
  usedAt: When;
  isDead: boolean;
}

export interface CouponLedgerRow {
  userId: number;
  couponId: number;
  /** Negative: taken; positive: given back. */
  change: number;
  orderId: number;
  action: string;
  createdAt: When;
}

export interface PointsRow {
  /** null: a row that did not exist before. */
  id: number | null;
  userId: number;
  points: number;
  validEnd: When;
  isDead: boolean;
}

export interface PointsLedgerRow {
  userId: number;
  action: string;
  points: number;
  refTable: string;
  refId: string;
  remark: string;
  createdAt: When;
}

export interface JournalRow {
  orderId: number;
  /** Whose order it was then. */
  userId: number;
  kind: Kind;
  targetId: number;
  /** The row that got it; 0: one that was opened for it. */
  accountId: number;
  amount: number;
  taken: number;
  ledgerTaken: number;
  /** Where it is known from what was taken. */
  source: 'order_coupons' | 'ledger' | 'orders';
  cause: Cause;
  /** How often the order had been cancelled by then. */
  nth: number;
}

export const emptyShop = (): ShopData => ({
  ...{ orders: [], orderCoupons: [], coupons: [], couponLedger: [], points: [], pointsLedger: [] },
  ...{ journal: [], cancellations: [] },
});

/** The same lists, with the rows of each in an order that does not depend on who wrote them. */
export function sorted<Lists extends object>(lists: Lists): Lists {
  const text = (row: object) => JSON.stringify(row, Object.keys(row).sort());
  return Object.fromEntries(
    (Object.entries(lists) as [string, object[]][]).map(([name, rows]) => [
      name,
      [...rows].sort((one, other) => (text(one) < text(other) ? -1 : 1)),
    ]),
  ) as Lists;
}

export const sumOf = <Row>(rows: readonly Row[], amountOf: (row: Row) => number) =>
  rows.reduce((sum, row) => sum + amountOf(row), 0);

// The rows that are about one order, or about what it took.

export const linesOf = ({ orderCoupons }: ShopData, order: Order, couponId?: number) =>
  orderCoupons.filter(
    (row) => row.orderId === order.id && row.couponId === (couponId ?? row.couponId),
  );
export const couponLedgerOf = ({ couponLedger }: ShopData, order: Order, couponId: number) =>
  couponLedger.filter((row) => row.orderId === order.id && row.couponId === couponId);
export const pointsLedgerOf = ({ pointsLedger }: ShopData, { id, userId }: Order) =>
  pointsLedger.filter(
    (row) => row.userId === userId && row.refTable === 'orders' && row.refId === String(id),
  );
export const claimOf = ({ journal }: ShopData, order: Order, kind: Kind, targetId: number) =>
  journal.find((row) => row.orderId === order.id && row.kind === kind && row.targetId === targetId);
export const timesCancelled = ({ cancellations }: ShopData, order: Order) =>
  cancellations.filter(({ orderId }) => orderId === order.id).length;
