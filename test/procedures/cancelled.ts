import type { BuiltOrder, State } from '../support';

const STATUS = { usable: 1, 'used up': 2, expired: 3, held: 4 };
const ACTION = { timeout: 'timeout_refund', user: 'cancel_refund', admin: 'cancel_refund' };

/** What came back to a coupon. */
export interface CouponBack {
  /** Default: the order's first. */
  readonly id?: number;
  /** 0: only set free. */
  readonly amount: number;
  /** What the order had taken. Default: the amount. */
  readonly taken?: number;
  readonly source?: 'order_coupons' | 'ledger';
  /** Before. Default: held. */
  readonly was?: keyof typeof STATUS;
  /** Before. Default: 0. */
  readonly balance?: number;
  /** Before; null: by none. Default: the order, when the coupon was held or used up. */
  readonly usedBy?: number | null;
  /** It is held for another pending order. */
  readonly staysHeld?: boolean;
}

/** What came back to a user's points. */
export interface PointsBack {
  readonly amount: number;
  /** What the order had taken. Default: the amount. */
  readonly taken?: number;
  /** In the row before; null: there was none. Default: 0. */
  readonly before?: number | null;
  /** The place of the row among the user's. Default: 1. */
  readonly nth?: number;
  readonly remark?: string;
}

export interface Cancelled {
  readonly order: BuiltOrder;
  readonly cause?: keyof typeof ACTION;
  readonly sourceType?: number;
  readonly coupons?: readonly CouponBack[];
  readonly points?: number | PointsBack;
  readonly remark?: string;
  readonly findings?: readonly Found[];
}

/** What was opened for a person to look at. */
export interface Found {
  /** Default: coupon, of which the default target is the order's first. */
  readonly kind?: 'coupon' | 'points';
  readonly target?: number;
  readonly what: string;
  readonly amount: number;
  /** Default: 0. */
  readonly other?: number;
  /** Default: none. */
  readonly detail?: string;
}

/**
 * The changes of the whole state that these cancellations make, in order of their ids, and none besides.
 * `batches`: in how many transactions.
 */
export function cancelled(orders: Cancelled | readonly Cancelled[], batches?: number): State {
  const all = isOne(orders) ? [orders] : orders;
  return withoutEmpty({
    orders: all.map(({ order }) => ({
      id: order.orderId,
      status: [1, 3],
      has_cancelled_at: [0, 1],
    })),
    user_coupons: couponChanges(all),
    user_coupon_ledger: all.flatMap(couponLedger),
    user_points: pointsChanges(all),
    user_points_ledger: all.flatMap(pointsLedger),
    order_timeout_batch: Array.from({ length: batches ?? 1 }, () => batch(all[0])),
    order_timeout_cancellation: all.map(cancellation),
    order_timeout_refund: all.flatMap(refunds),
    order_timeout_finding: all.flatMap(foundRows),
  });
}

function batch({ cause = 'timeout', remark }: Partial<Cancelled> = {}): State[string][number] {
  return { cause, remark: remark ?? (cause === 'timeout' ? 'order_timeout' : 'changed my mind') };
}

function foundRows({ order, findings = [] }: Cancelled): State[string] {
  return findings.map(({ kind = 'coupon', target, what, amount, other = 0, detail = '' }) => ({
    order_id: order.orderId,
    kind,
    target_id: target ?? (kind === 'coupon' ? order.couponId : 0),
    what,
    amount,
    other_amount: other,
    detail,
    remark: '',
    is_open: 1,
  }));
}

function isOne(orders: Cancelled | readonly Cancelled[]): orders is Cancelled {
  return 'order' in orders;
}

function couponChanges(all: readonly Cancelled[]): State[string] {
  const changes = new Map<number, State[string][number]>();
  for (const { order, coupons = [] } of all) {
    for (const coupon of coupons) {
      const { id = order.couponId, amount, was = 'held', balance = 0, staysHeld = false } = coupon;
      const present = changes.get(id)?.balance_amount as [number, number] | undefined;
      if (present !== undefined) {
        present[1] += amount;
        continue;
      }
      const usedBy =
        coupon.usedBy ?? (coupon.usedBy !== null && isUsed(was) ? order.orderId : null);
      changes.set(id, {
        id,
        ...(was !== 'usable' && !staysHeld && { status: [STATUS[was], 1] }),
        ...(amount > 0 && { balance_amount: [balance, balance + amount] }),
        ...(usedBy !== null &&
          !staysHeld && { used_order_id: [usedBy, null], has_used_at: [1, 0] }),
      });
    }
  }
  // A usable coupon that gets nothing is no change.
  return [...changes.values()].filter((change) => Object.keys(change).length > 1).sort(byId);
}

const isUsed = (was: keyof typeof STATUS) => was === 'held' || was === 'used up';
const byId = (one: State[string][number], other: State[string][number]) =>
  Number(one.id) - Number(other.id);

function couponLedger({ order, cause = 'timeout', coupons = [] }: Cancelled): State[string] {
  return coupons
    .filter(({ amount }) => amount > 0)
    .map(({ id = order.couponId, amount }) => ({
      user_id: order.userId,
      user_coupon_id: id,
      change_amount: amount,
      order_id: order.orderId,
      action: ACTION[cause],
    }));
}

function pointsChanges(all: readonly Cancelled[]): State[string] {
  const changes = new Map<number, State[string][number]>();
  for (const { order, points } of all) {
    const { amount, before, nth = 1 } = pointsBack(points);
    if (amount === 0) continue;
    const present = changes.get(order.userId);
    if (present === undefined) {
      changes.set(order.userId, {
        user_id: order.userId,
        nth,
        points: before === null ? amount : [before, before + amount],
        ...(before === null && { has_valid_end: 0 }),
      });
    } else if (typeof present.points === 'number') {
      present.points += amount;
    } else {
      (present.points as [number, number])[1] += amount;
    }
  }
  return [...changes.values()];
}

function pointsLedger({
  order,
  cause = 'timeout',
  points,
  remark: given,
}: Cancelled): State[string] {
  const { amount, remark } = pointsBack(points);
  if (amount === 0) return [];
  return [
    {
      user_id: order.userId,
      action: ACTION[cause],
      points: amount,
      ref_table: 'orders',
      ref_id: String(order.orderId),
      remark: remark ?? given ?? (cause === 'timeout' ? 'order_timeout' : 'changed my mind'),
    },
  ];
}

function cancellation({
  order,
  cause = 'timeout',
  sourceType = 1,
}: Cancelled): State[string][number] {
  return {
    order_id: order.orderId,
    user_id: order.userId,
    source_type: sourceType,
    cause,
  };
}

function refunds({ order, cause = 'timeout', coupons = [], points }: Cancelled): State[string] {
  const common = { order_id: order.orderId, user_id: order.userId, cause };
  const { amount, taken = amount } = pointsBack(points);
  return [
    ...coupons
      .filter((coupon) => coupon.amount > 0)
      .map((coupon) => ({
        ...common,
        kind: 'coupon',
        target_id: coupon.id ?? order.couponId,
        amount: coupon.amount,
        taken: coupon.taken ?? coupon.amount,
        source: coupon.source ?? 'order_coupons',
        keeps_state: coupon.staysHeld ? 1 : 0,
      })),
    ...(amount > 0
      ? [
          {
            ...common,
            kind: 'points',
            target_id: 0,
            amount,
            taken,
            source: 'orders',
            keeps_state: 0,
          },
        ]
      : []),
  ];
}

function pointsBack(points: number | PointsBack = 0): {
  amount: number;
  taken?: number;
  before: number | null;
  nth?: number;
  remark?: string;
} {
  const back = typeof points === 'number' ? { amount: points } : points;
  return { ...back, before: back.before === undefined ? 0 : back.before };
}

function withoutEmpty(state: State): State {
  return Object.fromEntries(Object.entries(state).filter(([, rows]) => rows.length > 0));
}
