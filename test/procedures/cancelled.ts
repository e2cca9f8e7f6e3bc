import type { BuiltOrder, State } from '../support';

const STATUS = { usable: 1, 'used up': 2, expired: 3, held: 4 };

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
  /** Default: the cancellation's. */
  readonly remark?: string;
}

export interface Cancelled {
  readonly order: BuiltOrder;
  readonly cause?: 'timeout' | 'user' | 'admin';
  readonly sourceType?: number;
  readonly coupons?: readonly CouponBack[];
  readonly points?: number | PointsBack;
  readonly remark?: string;
  /** What was opened for a person to look at, of the order's first coupon or of its points. */
  readonly findings?: readonly {
    /** Default: coupon. */
    readonly kind?: 'coupon' | 'points';
    readonly what: string;
    readonly amount: number;
    readonly other?: number;
    readonly detail?: string;
  }[];
}

type Row = State[string][number];

/**
 * The changes of the whole state that these cancellations make, in order of their ids, and none besides.
 * `batches`: in how many transactions.
 */
export function cancelled(orders: Cancelled | readonly Cancelled[], batches = 1): State {
  const all = 'order' in orders ? [orders] : orders;
  const state: State = {
    orders: all.map(({ order: { orderId } }) => ({
      ...{ id: orderId, status: [1, 3], has_cancelled_at: [0, 1] },
    })),
    user_coupons: couponChanges(all),
    user_points: pointsChanges(all),
    order_timeout_batch: Array<Row>(batches).fill(wordsOf(all[0] ?? {})),
  };
  for (const one of all)
    for (const [table, rows] of Object.entries(newRows(one)))
      state[table] = [...(state[table] ?? []), ...rows];
  return Object.fromEntries(Object.entries(state).filter(([, rows]) => rows.length > 0));
}

function wordsOf({ cause = 'timeout', remark }: Partial<Cancelled>) {
  return { cause, remark: remark ?? (cause === 'timeout' ? 'order_timeout' : 'changed my mind') };
}

function pointsOf({ points = 0 }: Cancelled): PointsBack {
  return typeof points === 'number' ? { amount: points } : points;
}

/** The rows that one cancellation writes. */
function newRows(one: Cancelled): State {
  const { order, sourceType = 1, findings = [] } = one;
  const { cause, remark } = wordsOf(one);
  const ids = { order_id: order.orderId, user_id: order.userId };
  const action = cause === 'timeout' ? 'timeout_refund' : 'cancel_refund';
  const coupons = (one.coupons ?? []).filter(({ amount }) => amount > 0);
  const points = [pointsOf(one)].filter(({ amount }) => amount > 0);
  const claim = (amount: number, taken = amount) => ({ ...ids, cause, amount, taken });
  return {
    user_coupon_ledger: coupons.map(({ id = order.couponId, amount }) => ({
      ...{ ...ids, user_coupon_id: id, change_amount: amount, action },
    })),
    user_points_ledger: points.map(({ amount, remark: written = remark }) => ({
      ...{ user_id: order.userId, action, points: amount },
      ...{ ref_table: 'orders', ref_id: String(order.orderId), remark: written },
    })),
    order_timeout_cancellation: [{ ...ids, source_type: sourceType, cause }],
    order_timeout_refund: [
      ...coupons.map(
        ({ id = order.couponId, amount, taken, source = 'order_coupons', ...back }) => ({
          ...{ ...claim(amount, taken), kind: 'coupon', target_id: id, source },
          keeps_state: back.staysHeld === true ? 1 : 0,
        }),
      ),
      ...points.map(({ amount, taken }) => ({
        ...{ ...claim(amount, taken), kind: 'points', target_id: 0 },
        ...{ source: 'orders', keeps_state: 0 },
      })),
    ],
    order_timeout_finding: findings.map(
      ({ kind = 'coupon', what, amount, other = 0, detail = '' }) => ({
        ...{ order_id: order.orderId, kind, target_id: kind === 'coupon' ? order.couponId : 0 },
        ...{ what, amount, other_amount: other, detail, remark: '', is_open: 1 },
      }),
    ),
  };
}

/** One change for a coupon, however many of these orders give to it. */
function couponChanges(all: readonly Cancelled[]): Row[] {
  const changes = new Map<number, Row>();
  for (const { order, coupons = [] } of all)
    for (const back of coupons) {
      const { id = order.couponId, amount, was = 'held', balance = 0, staysHeld = false } = back;
      const change = changes.get(id);
      const isUsed = was === 'held' || was === 'used up';
      if (change === undefined)
        changes.set(id, {
          id,
          ...(was !== 'usable' && !staysHeld && { status: [STATUS[was], 1] }),
          ...(amount > 0 && { balance_amount: [balance, balance + amount] }),
          ...(isUsed &&
            !staysHeld && { used_order_id: [order.orderId, null], has_used_at: [1, 0] }),
        });
      else (change.balance_amount as [number, number])[1] += amount;
    }
  return [...changes.values()].sort((one, other) => Number(one.id) - Number(other.id));
}

/** The same for a user's points. */
function pointsChanges(all: readonly Cancelled[]): Row[] {
  const changes = new Map<number, Row>();
  for (const one of all) {
    const { amount, before = 0, nth = 1 } = pointsOf(one);
    if (amount === 0) continue;
    const { userId } = one.order;
    const [from, to] = (changes.get(userId)?.points as [number, number] | undefined) ?? [
      before ?? 0,
      before ?? 0,
    ];
    changes.set(userId, {
      user_id: userId,
      nth,
      points: [from, to + amount],
      isNew: before === null,
    });
  }
  return [...changes.values()].map(({ isNew, points, ...row }) =>
    isNew === true
      ? { ...row, points: (points as [number, number])[1], has_valid_end: 0 }
      : { ...row, points },
  );
}
