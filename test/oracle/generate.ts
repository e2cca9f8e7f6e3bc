import * as fc from 'fast-check';
import type { Scenario, Step } from './scenario';
import type { Coupon, CouponLedgerRow, Order, OrderCoupon } from './shop-data';
import type { PointsLedgerRow, ShopData } from './shop-data';

const oneOf = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** Few ids, the first ones most often, so that orders, coupons and users meet. */
const MOST = { orders: 5, pointsRows: 4 };
const userId = oneOf(1, 1, 1, 2, 3);
const orderId = oneOf(1, 1, 1, 1, 2, 2, 3, 4, 5, /* no row */ 6);
const couponId = oneOf(1, 1, 1, 1, 2, 2, 3, /* no row */ 4);
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
  sourceType: oneOf(1, 1, 1, 1, 1, 1, 2, 4, 3),
  status: oneOf(1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 0),
  couponId: fc.oneof({ weight: 5, arbitrary: couponId }, oneOf(0, null, -1)),
  pointsAmount: fc.oneof({ weight: 2, arbitrary: amount }, fc.constant(0)),
  ageMinutes: oneOf(31, 45, 45, 45, 45, 90, 3000, 29, 5, 1, -10),
  cancelledAt: oneOf(null, null, 'earlier' as const),
});

/** What an order and a coupon have to do with each other, in order_coupons and in the ledger. */
interface CouponHistory {
  readonly orderId: number;
  readonly couponId: number;
  readonly applied: readonly number[];
  readonly ledger: readonly Omit<CouponLedgerRow, 'orderId' | 'couponId'>[];
}
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
});

const pointsRow = fc.record({ userId, points: amount, validEnd: oneOf(null, 'earlier' as const) });

const pointsLedgerRow: fc.Arbitrary<PointsLedgerRow> = fc.record({
  userId,
  action: oneOf('order_deduct', 'timeout_refund', 'cancel_refund', 'grant'),
  points: fc.oneof(fc.integer({ min: -500, max: -1 }), amount),
  refTable: oneOf('orders', 'orders', 'orders', 'lottery', ''),
  refId: orderId,
  remark: oneOf('', 'order_timeout'),
  createdAt: fc.constant('earlier' as const),
});

/** One call, or an order's way through several. */
/** A call, or an order that is cancelled and reopened. */
const steps: fc.Arbitrary<Step[]> = fc.oneof(
  fc.constant<Step[]>([{ do: 'sweep' }]),
  orderId.map((id): Step[] => [{ do: 'time out', orderId: id }]),
  fc
    .tuple(orderId, fc.option(userId))
    .map(([id, user]): Step[] => [{ do: 'cancel', orderId: id, userId: user }]),
  {
    weight: 3,
    arbitrary: fc
      .tuple(orderId, fc.boolean(), fc.boolean())
      .map(([id, byAdmin, takesAnew]): Step[] => [
        byAdmin ? { do: 'cancel', orderId: id, userId: null } : { do: 'time out', orderId: id },
        { do: 'reopen', orderId: id, takesAnew },
      ]),
  },
);

/** A whole shop with any history, and what happens in it; a sweep comes last. */
const anyScenario: fc.Arbitrary<Scenario> = fc
  .record({
    orders: list(order, MOST.orders, 1).map(numbered),
    soundTakes: fc.array(soundTake, { minLength: MOST.orders, maxLength: MOST.orders }),
    couponHistories: list(couponHistory, 6),
    coupons: oneOf(0, 1, 2, 3, 3, 3)
      .chain((rows) => list(coupon, rows, rows))
      .map(numbered),
    points: list(pointsRow, MOST.pointsRows).map(numbered),
    pointsLedger: list(pointsLedgerRow, 6),
    steps: list(steps, 3).map((some) => some.flat()),
  })
  .map(({ soundTakes, couponHistories, steps: before, ...tables }) => {
    const sound = tables.orders.flatMap((one, index) => historyOf(one, soundTakes[index] ?? null));
    const history = couponTables([...sound, ...couponHistories]);
    return {
      shop: withHoldersNamed({ ...tables, ...history, journal: [] }),
      steps: [...before, { do: 'sweep' as const }],
    };
  });

/** Without fast-check's liking for small things: few orders and no coupons would be most of what it makes. */
export const scenarios = fc.noBias(anyScenario);

function historyOf(one: Order, take: SoundTake): CouponHistory[] {
  if (take === null || one.couponId === null) return [];
  const reserve: CouponHistory['ledger'][number] = {
    userId: one.userId,
    change: -take.amount,
    action: 'reserve',
    createdAt: 'earlier',
  };
  return [
    {
      orderId: one.id,
      couponId: one.couponId,
      applied: take.isIn === 'ledger' ? [] : [take.amount],
      ledger: take.isIn === 'order_coupons' ? [] : [reserve],
    },
  ];
}

function numbered<T extends object>(rows: readonly T[]): ({ id: number } & T)[] {
  return rows.map((row, index) => ({ id: index + 1, ...row }));
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
