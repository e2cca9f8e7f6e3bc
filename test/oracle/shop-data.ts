/**
 * A shop as plain data: what the reference and the engine both read and write.
 * Ids are small and of the shop's own; amounts are in minor units.
 */
export interface ShopData {
  orders: Order[];
  orderCoupons: OrderCoupon[];
  coupons: Coupon[];
  couponLedger: CouponLedgerRow[];
  points: PointsRow[];
  pointsLedger: PointsLedgerRow[];
  /** The keys of order_timeout_refund. The reference has no journal and looks at none. */
  journal: JournalRow[];
}

/** No time is compared to the millisecond: before the test, during it, or none. */
export type When = 'earlier' | 'now' | null;

export interface Order {
  id: number;
  userId: number;
  sourceType: number;
  /** 1 pending, 2 paid, 3 cancelled. */
  status: number;
  /** 0, negative or null: none. */
  couponId: number | null;
  pointsAmount: number;
  ageMinutes: number;
  cancelledAt: When;
}

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
}

export interface PointsLedgerRow {
  userId: number;
  action: string;
  points: number;
  refTable: string;
  refId: number;
  remark: string;
  createdAt: When;
}

export interface JournalRow {
  orderId: number;
  kind: 'coupon' | 'points';
  targetId: number;
  amount: number;
}

export const emptyShop = (): ShopData => ({
  orders: [],
  orderCoupons: [],
  coupons: [],
  couponLedger: [],
  points: [],
  pointsLedger: [],
  journal: [],
});

/** The same shop, with the rows of each table in an order that does not depend on who wrote them. */
export function sorted(shop: ShopData): ShopData {
  const tables = Object.entries(shop) as [keyof ShopData, object[]][];
  return Object.fromEntries(
    tables.map(([table, rows]) => [
      table,
      [...rows].sort((one, other) => (text(one) < text(other) ? -1 : 1)),
    ]),
  ) as unknown as ShopData;
}

function text(row: object): string {
  return JSON.stringify(row, Object.keys(row).sort());
}
