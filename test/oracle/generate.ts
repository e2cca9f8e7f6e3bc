import * as fc from 'fast-check';
import type { Session } from './engine';
import type { Scenario, Step } from './scenario';
import { type CouponLedgerRow, emptyShop, linesOf, type NoTime, type Order } from './shop-data';
import type { PointsLedgerRow, ShopData } from './shop-data';

const oneOf = <const T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const weighted = <T>(...choices: [weight: number, arbitrary: fc.Arbitrary<T>][]) =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));
const mostly = <const T>(value: T, seldom: T) =>
  weighted([12, fc.constant(value)], [1, oneOf(seldom)]);
/** Lists as long as they may be are as likely as short ones. */
const list = <T>(rows: fc.Arbitrary<T>, maxLength: number, minLength = 0) =>
  fc.array(rows, { minLength, maxLength, size: 'max' });

/** Few ids, the first ones most often, so that orders, coupons and users meet; none is another table's too. */
const FIRST = { order: 1, coupon: 11, points: 31 };
const userId = oneOf(21, 21, 21, 22, 23);
const orderId = oneOf(1, 1, 1, 1, 2, 2, 3, 4, 5, /* no row */ 6);
const couponId = oneOf(11, 11, 11, 11, 12, 12, 13, /* no row */ 14);
const MOST_ORDERS = 5;

/** What makes sense, and zero and negative as well. */
const amount = weighted(
  [4, fc.integer({ min: 1, max: 2000 })],
  [1, fc.constant(0)],
  [1, fc.integer({ min: -500, max: -1 })],
);
/** An action that order_timeout_ledger_action does not list. */
const UNKNOWN_ACTION = 'manual';

const order = fc.record({
  userId,
  sourceType: oneOf(1, 1, 1, 1, 1, 1, 2, 4, 3, null),
  status: oneOf(1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 3, 0),
  couponId: weighted<number | null>([5, couponId], [1, oneOf(0, null, -1)]),
  pointsAmount: weighted([2, amount], [1, fc.constant(0)]),
  ageMinutes: weighted<Order['ageMinutes']>(
    [15, oneOf(31, 45, 45, 45, 45, 90, 3000, 29, 5, 1, -10)],
    [1, oneOf<NoTime>('NULL', "'0000-00-00'", "'0999-12-31 23:59:59'")],
  ),
  cancelledAt: oneOf(null, null, 'earlier'),
  paidAt: mostly(null, 'earlier'),
  isHeld: fc.constant(false),
});

const orderCoupon = fc.record({ orderId, couponId, appliedAmount: amount });

const returnOrOther = ['cancel_refund', 'timeout_refund', 'grant', UNKNOWN_ACTION];
const couponLedgerRow: fc.Arbitrary<CouponLedgerRow> = fc
  .record({
    of: fc.record({ orderId: weighted([9, orderId], [1, fc.constant(0)]), couponId, userId }),
    what: weighted(
      [
        3,
        fc.record({
          change: fc.integer({ min: -2000, max: -1 }),
          action: oneOf('reserve', 'usage'),
        }),
      ],
      [
        1,
        fc.record({
          change: amount,
          action: oneOf('cancel_refund', 'usage', 'reserve', ...returnOrOther),
        }),
      ],
    ),
  })
  .map(({ of, what }) => ({ ...of, ...what, createdAt: 'earlier' }));

/** Most orders took from their coupon as a sound shop writes it down, and got a part back. */
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
  usedOrderId: weighted<number | null>([4, orderId], [1, fc.constant(null)]),
  usedAt: oneOf('earlier', null),
  isDead: mostly(false, true),
});

const pointsRow = fc.record({
  userId,
  points: amount,
  validEnd: oneOf(null, 'earlier'),
  isDead: mostly(false, true),
});

const pointsLedgerRow: fc.Arbitrary<PointsLedgerRow> = fc.record({
  userId,
  action: oneOf('order_deduct', ...returnOrOther),
  points: fc.oneof(fc.integer({ min: -500, max: -1 }), amount),
  refTable: oneOf('orders', 'orders', 'orders', 'lottery', ''),
  refId: orderId.map(String),
  remark: oneOf('', 'order_timeout'),
  createdAt: oneOf('earlier'),
});

/** A call, a merge of accounts, or an order that is cancelled and then reopened or paid. */
const steps: fc.Arbitrary<Step[]> = weighted<Step[]>(
  [1, fc.constant([{ do: 'sweep' }])],
  [1, fc.record({ do: oneOf('time out', 'hold', 'repair', 'pay'), orderId }).map((step) => [step])],
  [1, fc.record({ do: oneOf('cancel'), orderId, userId: fc.option(userId) }).map((step) => [step])],
  [1, fc.record({ do: oneOf('merge'), userId, into: userId }).map((step) => [step])],
  [
    3,
    fc
      .tuple(orderId, fc.boolean(), oneOf(true, false, null))
      .map(([id, byAdmin, takesAnew]): Step[] => [
        byAdmin ? { do: 'cancel', orderId: id, userId: null } : { do: 'time out', orderId: id },
        takesAnew === null ? { do: 'pay', orderId: id } : { do: 'reopen', orderId: id, takesAnew },
      ]),
  ],
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

const numbered = <T extends object>(rows: fc.Arbitrary<T[]>, first: number) =>
  rows.map((all) => all.map((row, index) => ({ id: first + index, ...row })));

/** A whole shop with any history, and what happens in it; a sweep comes last. */
const anyScenario: fc.Arbitrary<Scenario> = fc
  .record({
    tables: fc.record({
      orders: numbered(list(order, MOST_ORDERS, 1), FIRST.order),
      orderCoupons: list(orderCoupon, 6),
      coupons: numbered(
        oneOf(0, 1, 2, 3, 3, 3).chain((rows) => list(coupon, rows, rows)),
        FIRST.coupon,
      ),
      couponLedger: list(couponLedgerRow, 9),
      points: numbered(list(pointsRow, 4), FIRST.points),
      pointsLedger: list(pointsLedgerRow, 6),
    }),
    soundTakes: fc.array(soundTake, { minLength: MOST_ORDERS, maxLength: MOST_ORDERS }),
    steps: list(steps, 3).map((some) => some.flat()),
    bringsReturns: oneOf(false, false, false, false, true),
  })
  .map(({ tables, soundTakes, steps: before, bringsReturns }) => {
    const shop = { ...emptyShop(), ...tables };
    for (const [index, one] of shop.orders.entries()) takeSoundly(shop, one, soundTakes[index]);
    nameHolders(shop);
    const brought = bringsReturns ? returnsBrought(tables) : [];
    return { shop, steps: [...before, ...brought, { do: 'sweep' as const }] };
  });

/** Without fast-check's liking for small things: few orders and no coupons would be most of what it makes. */
export const scenarios = fc.noBias(anyScenario);

/** After an order's points came back, an account is merged into its user's that has points back for it too. */
function returnsBrought({ orders, pointsLedger }: Pick<ShopData, 'orders' | 'pointsLedger'>) {
  return pointsLedger.flatMap(({ points, userId: from, refId }): Step[] => {
    const to = orders.find(({ id, userId: owner }) => String(id) === refId && owner !== from);
    if (points <= 0 || to === undefined) return [];
    return [
      { do: 'cancel', orderId: to.id, userId: null },
      { do: 'merge', userId: from, into: to.userId },
    ];
  });
}

function takeSoundly(
  shop: ShopData,
  { id, userId, couponId }: Order,
  take: SoundTake = null,
): void {
  if (take === null || couponId === null || couponId <= 0) return;
  const { amount, isIn, partBack } = take;
  const of = { orderId: id, couponId };
  const log = (change: number, action: string) =>
    shop.couponLedger.push({ ...of, userId, change, action, createdAt: 'earlier' });
  if (isIn !== 'ledger') shop.orderCoupons.push({ ...of, appliedAmount: amount });
  if (isIn !== 'order_coupons') log(-amount, 'reserve');
  if (partBack !== null) log(Math.ceil(amount / 3), partBack);
}

/**
 * A coupon held for an order is one of that order's coupons, in every shop here. Where it is not, and
 * both that order and another one that took from the coupon are cancelled, the order in which they are
 * decides whether the coupon is set free; the reference knows no such thing.
 */
function nameHolders(shop: ShopData): void {
  for (const { id, status, usedOrderId } of shop.coupons) {
    const holder = shop.orders.find((one) => one.id === usedOrderId);
    if (status !== 4 || holder === undefined || holder.couponId === id) continue;
    if (linesOf(shop, holder, id).length === 0)
      shop.orderCoupons.push({ orderId: holder.id, couponId: id, appliedAmount: 0 });
  }
}
