import * as fc from 'fast-check';
import type { Session } from './engine';
import type { Scenario, Step } from './scenario';
import type { Coupon, CouponLedgerRow, NoTime, Order, OrderCoupon } from './shop-data';
import type { PointsLedgerRow, ShopData } from './shop-data';

const oneOf = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** Few ids, the first ones most often, so that orders, coupons and users meet; none is another table's too. */
const MOST = { orders: 5, pointsRows: 4 };
const FIRST = { order: 1, coupon: 11, points: 31 };
const userId = oneOf(21, 21, 21, 22, 23);
const orderId = oneOf(1, 1, 1, 1, 2, 2, 3, 4, 5, /* no row */ 6);
const couponId = oneOf(11, 11, 11, 11, 12, 12, 13, /* no row */ 14);
const mostly = <T>(value: T, seldom: T) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(value) }, fc.constant(seldom));
/** Lists as long as they may be are as likely as short ones. */
const list = <T>(rows: fc.Arbitrary<T>, maxLength: number, minLength = 0) =>
  fc.array(rows, { minLength, maxLength, size: 'max' });

/** What makes sense, and zero and negative as well. */
const amount = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 2000 }) },
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: -500, max: -1 }) },
);

const order = fc.record({
  userId,
  sourceType: oneOf(1, 1, 1, 1, 1, 1, 2, 4, 3, null),
  status: oneOf(1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 3, 0),
  couponId: fc.oneof({ weight: 5, arbitrary: couponId }, oneOf(0, null, -1)),
  pointsAmount: fc.oneof({ weight: 2, arbitrary: amount }, fc.constant(0)),
  ageMinutes: fc.oneof(
    { weight: 15, arbitrary: oneOf(31, 45, 45, 45, 45, 90, 3000, 29, 5, 1, -10) },
    oneOf<NoTime>('NULL', "'0000-00-00'", "'0999-12-31 23:59:59'"),
  ),
  cancelledAt: oneOf(null, null, 'earlier' as const),
  paidAt: mostly(null, 'earlier' as const),
  isHeld: fc.constant(false),
});

/** What an order and a coupon have to do with each other, in order_coupons and in the ledger. */
interface CouponHistory {
  readonly orderId: number;
  readonly couponId: number;
  readonly applied: readonly number[];
  readonly ledger: readonly Omit<CouponLedgerRow, 'orderId' | 'couponId'>[];
}
/** An action that order_timeout_ledger_action does not list. */
const UNKNOWN_ACTION = 'manual';
const couponLedgerRow = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      userId,
      change: fc.integer({ min: -2000, max: -1 }),
      action: oneOf('reserve', 'usage'),
      createdAt: fc.constant('earlier' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      userId,
      change: amount,
      action: oneOf(
        'cancel_refund',
        'cancel_refund',
        'timeout_refund',
        'grant',
        'usage',
        'reserve',
        UNKNOWN_ACTION,
      ),
      createdAt: fc.constant('earlier' as const),
    }),
  },
);
const couponHistory: fc.Arbitrary<CouponHistory> = fc.record({
  orderId: fc.oneof({ weight: 9, arbitrary: orderId }, fc.constant(0)),
  couponId: fc.oneof({ weight: 12, arbitrary: couponId }, oneOf(0, -1)),
  applied: oneOf(0, 0, 1, 1, 2).chain((rows) =>
    fc.array(amount, { minLength: rows, maxLength: rows }),
  ),
  ledger: list(couponLedgerRow, 3),
});

/** Most orders took from their coupon as a sound shop writes it down. */
const soundTake = fc.option(
  fc.record({
    amount: fc.integer({ min: 1, max: 2000 }),
    isIn: oneOf('order_coupons', 'ledger', 'both'),
    partBack: oneOf(null, null, null, 'cancel_refund', 'timeout_refund', UNKNOWN_ACTION),
  }),
  { freq: 3 },
);
type SoundTake = typeof soundTake extends fc.Arbitrary<infer Take> ? Take : never;

const coupon = fc.record({
  userId,
  status: oneOf(1, 2, 3, 4, 4, 4, 0),
  balance: amount,
  usedOrderId: fc.oneof({ weight: 4, arbitrary: orderId }, fc.constant(null)),
  usedAt: oneOf('earlier' as const, null),
  isDead: mostly(false, true),
});

const pointsRow = fc.record({
  userId,
  points: amount,
  validEnd: oneOf(null, 'earlier' as const),
  isDead: mostly(false, true),
});

const pointsLedgerRow: fc.Arbitrary<PointsLedgerRow> = fc.record({
  userId,
  action: oneOf('order_deduct', 'timeout_refund', 'cancel_refund', 'grant', UNKNOWN_ACTION),
  points: fc.oneof(fc.integer({ min: -500, max: -1 }), amount),
  refTable: oneOf('orders', 'orders', 'orders', 'lottery', ''),
  refId: orderId,
  remark: oneOf('', 'order_timeout'),
  createdAt: fc.constant('earlier' as const),
});

/** A call, a merge of accounts, or an order that is cancelled and then reopened or paid. */
const steps: fc.Arbitrary<Step[]> = fc.oneof(
  fc.constant<Step[]>([{ do: 'sweep' }]),
  fc
    .tuple(oneOf('time out' as const, 'hold' as const, 'repair' as const, 'pay' as const), orderId)
    .map(([what, id]): Step[] => [{ do: what, orderId: id }]),
  fc
    .tuple(orderId, fc.option(userId))
    .map(([id, user]): Step[] => [{ do: 'cancel', orderId: id, userId: user }]),
  fc.tuple(userId, userId).map(([user, into]): Step[] => [{ do: 'merge', userId: user, into }]),
  {
    weight: 3,
    arbitrary: fc
      .tuple(orderId, fc.boolean(), oneOf(true, false, null))
      .map(([id, byAdmin, takesAnew]): Step[] => [
        byAdmin ? { do: 'cancel', orderId: id, userId: null } : { do: 'time out', orderId: id },
        takesAnew === null ? { do: 'pay', orderId: id } : { do: 'reopen', orderId: id, takesAnew },
      ]),
  },
);

/** Settings of the calling session that could matter. */
const session: fc.Arbitrary<Session> = fc.record({
  timeZone: oneOf('+00:00', '+14:00', '-12:00'),
  isolation: oneOf('REPEATABLE READ', 'READ COMMITTED', 'READ UNCOMMITTED', 'SERIALIZABLE'),
  sqlMode: oneOf('STRICT_ALL_TABLES', '', 'ANSI,NO_ZERO_DATE,NO_ZERO_IN_DATE,STRICT_TRANS_TABLES'),
  transaction: oneOf('none', 'autocommit off', 'joined'),
});
/** Who calls, one after the other. */
export const sessions = fc.array(session, { minLength: 1, maxLength: 5 });

/** A whole shop with any history, and what happens in it; a sweep comes last. */
const anyScenario: fc.Arbitrary<Scenario> = fc
  .record({
    orders: list(order, MOST.orders, 1).map((rows) => numbered(rows, FIRST.order)),
    soundTakes: fc.array(soundTake, { minLength: MOST.orders, maxLength: MOST.orders }),
    couponHistories: list(couponHistory, 6),
    coupons: oneOf(0, 1, 2, 3, 3, 3)
      .chain((rows) => list(coupon, rows, rows))
      .map((rows) => numbered(rows, FIRST.coupon)),
    points: list(pointsRow, MOST.pointsRows).map((rows) => numbered(rows, FIRST.points)),
    pointsLedger: list(pointsLedgerRow, 6),
    steps: list(steps, 3).map((some) => some.flat()),
    bringsReturns: oneOf(false, false, false, false, true),
  })
  .map(({ soundTakes, couponHistories, steps: before, bringsReturns, ...tables }) => {
    const sound = tables.orders.flatMap((one, index) => historyOf(one, soundTakes[index] ?? null));
    const history = couponTables([...sound, ...couponHistories]);
    return {
      shop: withHoldersNamed({ ...tables, ...history, journal: [], cancellations: [] }),
      steps: [
        ...before,
        ...(bringsReturns ? returnsBrought(tables) : []),
        { do: 'sweep' as const },
      ],
    };
  });

/** After an order's points came back, an account is merged into its user's that has points back for it too. */
function returnsBrought({ orders, pointsLedger }: Pick<ShopData, 'orders' | 'pointsLedger'>) {
  return pointsLedger.flatMap(({ points, userId: from, refId }): Step[] => {
    const to = orders.find(({ id, userId: owner }) => id === refId && owner !== from);
    if (points <= 0 || to === undefined) return [];
    return [
      { do: 'cancel', orderId: to.id, userId: null },
      { do: 'merge', userId: from, into: to.userId },
    ];
  });
}

/** Without fast-check's liking for small things: few orders and no coupons would be most of what it makes. */
export const scenarios = fc.noBias(anyScenario);

function historyOf(one: Order, take: SoundTake): CouponHistory[] {
  if (take === null || one.couponId === null) return [];
  const ledgerRow = (change: number, action: string): CouponHistory['ledger'][number] => ({
    userId: one.userId,
    change,
    action,
    createdAt: 'earlier',
  });
  const part = Math.ceil(take.amount / 3);
  return [
    {
      orderId: one.id,
      couponId: one.couponId,
      applied: take.isIn === 'ledger' ? [] : [take.amount],
      ledger: [
        ...(take.isIn === 'order_coupons' ? [] : [ledgerRow(-take.amount, 'reserve')]),
        ...(take.partBack === null ? [] : [ledgerRow(part, take.partBack)]),
      ],
    },
  ];
}

function numbered<T extends object>(rows: readonly T[], first: number): ({ id: number } & T)[] {
  return rows.map((row, index) => ({ id: first + index, ...row }));
}

function couponTables(histories: readonly CouponHistory[]) {
  return {
    orderCoupons: histories
      .filter(({ orderId }) => orderId > 0)
      .flatMap(({ orderId, couponId, applied }): OrderCoupon[] =>
        applied.map((appliedAmount) => ({ orderId, couponId, appliedAmount })),
      ),
    couponLedger: histories
      .filter(({ couponId }) => couponId > 0)
      .flatMap(({ orderId, couponId, ledger }): CouponLedgerRow[] =>
        ledger.map((row) => ({ ...row, orderId, couponId })),
      ),
  };
}

/**
 * A coupon held for an order is one of that order's coupons, in every shop here. Where it is not, and
 * both that order and another one that took from the coupon are cancelled, the order in which they are
 * decides whether the coupon is set free; the reference knows no such thing.
 */
function withHoldersNamed(shop: ShopData): ShopData {
  const names = (one: Order, { id }: Coupon) =>
    one.couponId === id ||
    shop.orderCoupons.some((row) => row.orderId === one.id && row.couponId === id);
  const missing: OrderCoupon[] = shop.coupons.flatMap((held) => {
    const holder = shop.orders.find(({ id }) => id === held.usedOrderId);
    if (held.status !== 4 || holder === undefined || names(holder, held)) return [];
    return [{ orderId: holder.id, couponId: held.id, appliedAmount: 0 }];
  });
  return { ...shop, orderCoupons: [...shop.orderCoupons, ...missing] };
}
