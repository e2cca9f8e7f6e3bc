import { oneOf, type TextRow, whole } from './rows';

/** What a cancelled order took from a coupon or from a user's points, and never fully gave back. */
export interface MissingRefund {
  readonly orderId: bigint;
  readonly userId: bigint;
  readonly kind: 'coupon' | 'points';
  /** The coupon's id, or the user's for points. */
  readonly targetId: bigint;
  /** Taken for the order, in minor units or points. */
  readonly taken: bigint;
  /** Of this, what had come back before. */
  readonly returned: bigint;
  /** What is still to come back. */
  readonly missing: bigint;
  /** Where it is known from what was taken. */
  readonly source: 'order_coupons' | 'ledger' | 'orders';
}

/** Reads a row of audit_missing_refunds() or repair_missing_refund(). */
export function readMissingRefund(row: TextRow): MissingRefund {
  return {
    orderId: whole(row, 'order_id'),
    userId: whole(row, 'user_id'),
    kind: oneOf(row, 'kind', ['coupon', 'points']),
    targetId: whole(row, 'target_id'),
    taken: whole(row, 'taken'),
    returned: whole(row, 'returned'),
    missing: whole(row, 'missing'),
    source: oneOf(row, 'source', ['order_coupons', 'ledger', 'orders']),
  };
}
