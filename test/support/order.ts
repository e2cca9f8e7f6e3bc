import type { Shop } from './shop';

const ORDER_STATUS = { pending: 1, paid: 2, cancelled: 3 };
const COUPON_STATUS = { usable: 1, 'used up': 2, expired: 3, held: 4 };

export interface TakenCoupon {
  /** What the order took from it, in minor units. */
  readonly amount: number;
  /** Where the shop wrote down what was taken. Default: both. */
  readonly in?: 'order_coupons' | 'ledger' | 'both' | 'nowhere';
  /** The coupon's status now. Default: held, for this order. */
  readonly status?: keyof typeof COUPON_STATUS;
  /** What is left on it. Default: 0. */
  readonly balance?: number;
  /** One that exists already, as `coupon()` returns it; then status and balance are not touched. */
  readonly couponId?: number;
}

export interface OrderOptions {
  readonly status?: keyof typeof ORDER_STATUS;
  /** Default: 45, past its time. */
  readonly ageMinutes?: number;
  /** Default: 1. The shop's 3 is left to a task of its own. */
  readonly sourceType?: number;
  /** Default: a new user. */
  readonly userId?: number;
  /** Default: a new id. */
  readonly orderId?: number | bigint;
  /** Taken from one coupon, in minor units: the short form of `coupons: [{ amount }]`. */
  readonly coupon?: number;
  readonly couponStatus?: TakenCoupon['status'];
  readonly couponIn?: TakenCoupon['in'];
  readonly couponBalance?: number;
  /** Several coupons. The first one is orders.coupon_id too. */
  readonly coupons?: readonly TakenCoupon[];
  /** Points taken. */
  readonly points?: number;
  /** What is left in the user's points row; null: the user has no row. Default: 0. */
  readonly pointsLeft?: number | null;
}

export interface BuiltOrder {
  readonly orderId: number;
  readonly userId: number;
  /** The first coupon; 0: none. */
  readonly couponId: number;
  readonly couponIds: readonly number[];
}

/** An order that waits for payment, by default past its time, with what it took already taken. */
export function pendingOrder(shop: Shop, options: OrderOptions = {}): Promise<BuiltOrder> {
  return order(shop, { ...options, status: 'pending' });
}

/** An order with what it took already taken: every balance is the sum of its ledger. */
export async function order(shop: Shop, options: OrderOptions = {}): Promise<BuiltOrder> {
  const {
    status = 'pending',
    ageMinutes = 45,
    sourceType = 1,
    points = 0,
    pointsLeft = 0,
  } = options;
  const orderId = options.orderId ?? shop.nextId('order');
  const userId = options.userId ?? shop.nextId('user');
  const taken = takenCoupons(options);

  const couponIds: number[] = [];
  for (const one of taken) {
    couponIds.push(
      one.couponId ??
        (await coupon(shop, {
          userId,
          status: one.status ?? 'held',
          ...(one.balance !== undefined && { balance: one.balance }),
          ...(one.status !== 'usable' && one.status !== 'expired' && { usedFor: orderId }),
        })),
    );
  }

  await shop.run(
    `INSERT INTO orders (id, order_no, user_id, source_type, status, total_amount, points_amount, coupon_id,
                         paid_at, cancelled_at, created_at)
     VALUES (?, ?, ?, ?, ?, 5000, ?, ?, IF(? = 2, NOW(3), NULL), IF(? = 3, NOW(3), NULL),
             NOW(3) - INTERVAL ? SECOND)`,
    [
      orderId,
      `NO${orderId}`,
      userId,
      sourceType,
      ORDER_STATUS[status],
      points,
      couponIds[0] ?? 0,
      ORDER_STATUS[status],
      ORDER_STATUS[status],
      Math.round(ageMinutes * 60),
    ],
  );
  for (const [index, one] of taken.entries()) {
    await take(shop, { ...one, userId, orderId, couponId: couponIds[index] ?? 0 });
  }
  if (points > 0) await takePoints(shop, { userId, orderId, points, pointsLeft });

  return { orderId: Number(orderId), userId, couponId: couponIds[0] ?? 0, couponIds };
}

function takenCoupons(options: OrderOptions): readonly TakenCoupon[] {
  if (options.coupons !== undefined) return options.coupons;
  if (options.coupon === undefined) return [];
  return [
    {
      amount: options.coupon,
      ...(options.couponStatus !== undefined && { status: options.couponStatus }),
      ...(options.couponIn !== undefined && { in: options.couponIn }),
      ...(options.couponBalance !== undefined && { balance: options.couponBalance }),
    },
  ];
}

export interface CouponOptions {
  readonly userId: number;
  readonly status?: keyof typeof COUPON_STATUS;
  readonly balance?: number;
  /** The order that holds it or used it up. */
  readonly usedFor?: number | bigint;
}

/** A coupon that was granted what is left on it. Returns its id. */
export async function coupon(
  shop: Shop,
  { userId, status = 'usable', balance = 0, usedFor }: CouponOptions,
): Promise<number> {
  const id = shop.nextId('coupon');
  await shop.run(
    `INSERT INTO user_coupons (id, user_id, status, balance_amount, used_order_id, used_at)
     VALUES (?, ?, ?, ?, ?, IF(? IS NULL, NULL, NOW(3)))`,
    [id, userId, COUPON_STATUS[status], balance, usedFor ?? null, usedFor ?? null],
  );
  await couponLedgerRow(shop, { userId, couponId: id, change: balance, action: 'grant' });
  return id;
}

/** A row of user_points, granted what is in it. Returns its id. */
export async function pointsRow(
  shop: Shop,
  { userId, points }: { userId: number; points: number },
): Promise<number> {
  const id = shop.nextId('points');
  await shop.run('INSERT INTO user_points (id, user_id, points) VALUES (?, ?, ?)', [
    id,
    userId,
    points,
  ]);
  await pointsLedgerRow(shop, { userId, points, action: 'grant' });
  return id;
}

export interface CouponLedgerRow {
  readonly userId: number;
  readonly couponId: number;
  /** Negative: taken. 0: no row is written. */
  readonly change: number;
  readonly orderId?: number | bigint;
  readonly action: string;
}

export async function couponLedgerRow(shop: Shop, row: CouponLedgerRow): Promise<void> {
  if (row.change === 0) return;
  await shop.run(
    `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action)
     VALUES (?, ?, ?, ?, ?)`,
    [row.userId, row.couponId, row.change, row.orderId ?? 0, row.action],
  );
}

export interface PointsLedgerRow {
  readonly userId: number;
  /** Negative: taken. 0: no row is written. */
  readonly points: number;
  readonly orderId?: number | bigint;
  readonly action: string;
}

export async function pointsLedgerRow(shop: Shop, row: PointsLedgerRow): Promise<void> {
  if (row.points === 0) return;
  await shop.run(
    `INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id)
     VALUES (?, ?, ?, ?, ?)`,
    [
      row.userId,
      row.action,
      row.points,
      row.orderId === undefined ? '' : 'orders',
      row.orderId === undefined ? '' : String(row.orderId),
    ],
  );
}

async function take(
  shop: Shop,
  taken: TakenCoupon & { userId: number; orderId: number | bigint; couponId: number },
): Promise<void> {
  const { userId, orderId, couponId, amount, status } = taken;
  const where = taken.in ?? 'both';
  if (where === 'order_coupons' || where === 'both') {
    await shop.run(
      'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, ?, ?)',
      [orderId, couponId, amount],
    );
  }
  if (where === 'ledger' || where === 'both') {
    // The grant is of before the order: so the balance is the sum of the ledger, now and after a refund.
    await couponLedgerRow(shop, { userId, couponId, change: amount, action: 'grant' });
    await couponLedgerRow(shop, {
      userId,
      couponId,
      orderId,
      change: -amount,
      action: status === 'usable' || status === 'used up' ? 'usage' : 'reserve',
    });
  }
}

async function takePoints(
  shop: Shop,
  taken: { userId: number; orderId: number | bigint; points: number; pointsLeft: number | null },
): Promise<void> {
  const { userId, orderId, points, pointsLeft } = taken;
  const present = await shop.run('SELECT id FROM user_points WHERE user_id = ?', [userId]);
  if (pointsLeft !== null && present.length === 0)
    await pointsRow(shop, { userId, points: pointsLeft });
  await pointsLedgerRow(shop, { userId, points, action: 'grant' });
  await pointsLedgerRow(shop, { userId, orderId, points: -points, action: 'order_deduct' });
}
