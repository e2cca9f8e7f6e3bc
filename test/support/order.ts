import type { Shop } from './shop';

const ORDER_STATUS = { pending: 1, paid: 2, cancelled: 3 };
const COUPON_STATUS = { usable: 1, 'used up': 2, expired: 3, held: 4 };

export interface TakenCoupon {
  /** What the order took from it, in minor units. */
  readonly amount: number;
  /** Where the shop wrote down what was taken. Default: both. */
  readonly in?: 'order_coupons' | 'ledger' | 'both' | 'nowhere' | undefined;
  /** The coupon's status now. Default: held, for this order. */
  readonly status?: keyof typeof COUPON_STATUS | undefined;
  /** What is left on it. Default: 0. */
  readonly balance?: number | undefined;
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
  const { ageMinutes = 45, sourceType = 1, points = 0, pointsLeft = 0 } = options;
  const orderId = options.orderId ?? shop.nextId('order');
  const userId = options.userId ?? shop.nextId('user');
  const status = ORDER_STATUS[options.status ?? 'pending'];
  const couponIds: number[] = [];
  for (const taken of takenCoupons(options))
    couponIds.push(await takeCoupon(shop, { ...taken, orderId, userId }));
  const [couponId = 0] = couponIds;
  await shop.run(
    `INSERT INTO orders
        SET ?, paid_at = IF(status = 2, NOW(3), NULL), cancelled_at = IF(status = 3, NOW(3), NULL),
            created_at = NOW(3) - INTERVAL ? SECOND`,
    [
      {
        ...{ id: orderId, order_no: `NO${orderId}`, user_id: userId, source_type: sourceType },
        ...{ status, total_amount: 5000, points_amount: points, coupon_id: couponId },
      },
      Math.round(ageMinutes * 60),
    ],
  );
  if (points > 0) await takePoints(shop, { userId, orderId, points }, pointsLeft);
  return { orderId: Number(orderId), userId, couponId, couponIds };
}

function takenCoupons({ coupons, coupon, ...short }: OrderOptions): readonly TakenCoupon[] {
  if (coupons !== undefined || coupon === undefined) return coupons ?? [];
  const { couponIn, couponStatus, couponBalance } = short;
  return [{ amount: coupon, in: couponIn, status: couponStatus, balance: couponBalance }];
}

async function takeCoupon(
  shop: Shop,
  taken: TakenCoupon & { userId: number; orderId: number | bigint },
): Promise<number> {
  const { userId, orderId, amount, status = 'held', balance, in: where = 'both' } = taken;
  const isUsed = status === 'held' || status === 'used up';
  const usedFor = isUsed ? orderId : undefined;
  const couponId = taken.couponId ?? (await coupon(shop, { userId, status, balance, usedFor }));
  if (where === 'order_coupons' || where === 'both')
    await shop.run('INSERT INTO order_coupons SET ?', [
      { order_id: orderId, user_coupon_id: couponId, applied_amount: amount },
    ]);
  if (where === 'ledger' || where === 'both') {
    // The grant is of before the order: so the balance is the sum of the ledger, now and after a refund.
    await couponLedgerRow(shop, { userId, couponId, change: amount, action: 'grant' });
    const action = status === 'held' || status === 'expired' ? 'reserve' : 'usage';
    await couponLedgerRow(shop, { userId, couponId, orderId, change: -amount, action });
  }
  return couponId;
}

async function takePoints(
  shop: Shop,
  taken: { userId: number; orderId: number | bigint; points: number },
  left: number | null,
): Promise<void> {
  const { userId, points } = taken;
  const present = await shop.run('SELECT id FROM user_points WHERE user_id = ?', [userId]);
  if (left !== null && present.length === 0) await pointsRow(shop, { userId, points: left });
  await pointsLedgerRow(shop, { userId, points, action: 'grant' });
  await pointsLedgerRow(shop, { ...taken, points: -points, action: 'order_deduct' });
}

export interface CouponOptions {
  readonly userId: number;
  readonly status?: keyof typeof COUPON_STATUS;
  readonly balance?: number | undefined;
  /** The order that holds it or used it up. */
  readonly usedFor?: number | bigint | undefined;
}

/** A coupon that was granted what is left on it. Returns its id. */
export async function coupon(
  shop: Shop,
  { userId, status = 'usable', balance = 0, usedFor }: CouponOptions,
): Promise<number> {
  const id = shop.nextId('coupon');
  const row = { id, user_id: userId, status: COUPON_STATUS[status], balance_amount: balance };
  await shop.run(
    'INSERT INTO user_coupons SET ?, used_order_id = ?, used_at = IF(used_order_id IS NULL, NULL, NOW(3))',
    [row, usedFor ?? null],
  );
  await couponLedgerRow(shop, { userId, couponId: id, change: balance, action: 'grant' });
  return id;
}

/** A row of user_points, granted what is in it. */
export async function pointsRow(
  shop: Shop,
  { userId, points }: { userId: number; points: number },
): Promise<void> {
  const row = { id: shop.nextId('points'), user_id: userId, points };
  await shop.run('INSERT INTO user_points SET ?', [row]);
  await pointsLedgerRow(shop, { userId, points, action: 'grant' });
}

export interface CouponLedgerRow {
  readonly userId: number;
  readonly couponId: number;
  /** Negative: taken. 0: no row is written. */
  readonly change: number;
  readonly orderId?: number | bigint;
  readonly action: string;
}

export async function couponLedgerRow(
  shop: Shop,
  { userId, couponId, change, orderId = 0, action }: CouponLedgerRow,
): Promise<void> {
  if (change === 0) return;
  await shop.run('INSERT INTO user_coupon_ledger SET ?', [
    {
      ...{ user_id: userId, user_coupon_id: couponId, change_amount: change },
      ...{ order_id: orderId, action },
    },
  ]);
}

export interface PointsLedgerRow {
  readonly userId: number;
  /** Negative: taken. 0: no row is written. */
  readonly points: number;
  readonly orderId?: number | bigint;
  readonly action: string;
}

export async function pointsLedgerRow(
  shop: Shop,
  { userId, points, orderId, action }: PointsLedgerRow,
): Promise<void> {
  if (points === 0) return;
  const of = orderId === undefined ? '' : String(orderId);
  await shop.run('INSERT INTO user_points_ledger SET ?', [
    {
      ...{ user_id: userId, action, points },
      ...{ ref_table: of === '' ? '' : 'orders', ref_id: of },
    },
  ]);
}
