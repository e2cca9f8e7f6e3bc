import {
  cancelOrder,
  giveBack,
  BY_TIMEOUT,
  type Given,
  type Rules,
  sumOf,
  type Words,
} from './reference';
import type { Order, ShopData } from './shop-data';

/** What happens in a shop, one after the other. */
export type Step =
  | Call
  /** Which does not look whether the order still waits. */
  | { readonly do: 'pay'; readonly orderId: number }
  | ({ readonly do: 'reopen'; readonly orderId: number } & Reopening)
  | Merge;

/** Of one account of the shop nothing is left, whatever it had is another's. */
type Merge = { readonly do: 'merge'; readonly userId: number; readonly into: number };

interface Reopening {
  readonly takesAnew: boolean;
}

/** What the engine is asked to do. */
export type Call =
  | { readonly do: 'sweep' }
  | { readonly do: 'time out' | 'hold' | 'repair'; readonly orderId: number }
  | { readonly do: 'cancel'; readonly orderId: number; readonly userId: number | null };

export interface Scenario {
  readonly shop: ShopData;
  readonly steps: readonly Step[];
}

/** What the engine answers to a call. */
export interface Outcome {
  readonly outcome: string;
  readonly cancelled: number;
  readonly coupons: number;
  readonly points: number;
}

/** Why an order is not cancelled, the first that is so; `due`: it is. By timeout more is asked than by a person. */
export function verdictOf(order: Order, rules: Rules, by: 'timeout' | 'person'): string {
  if (order.status !== 1) return 'not_pending';
  if (rules.contradictsItself(order)) return 'contradictory';
  if (by === 'person') return 'due';
  if (typeof order.ageMinutes !== 'number') return 'contradictory';
  if (order.sourceType === 3) return 'excluded';
  if (order.isHeld) return 'on_hold';
  return order.ageMinutes > TIMEOUT_MINUTES ? 'due' : 'not_expired';
}
const TIMEOUT_MINUTES = 30;

export const CALLERS_REMARK = 'changed my mind';

/** Carries a step out by these rules, in this shop. A step of the shop's own has no outcome. */
export function play(shop: ShopData, step: Step, rules: Rules): Outcome | null {
  if (step.do === 'sweep') {
    const due = shop.orders.filter((order) => verdictOf(order, rules, 'timeout') === 'due');
    return outcomeOf(
      'completed',
      due.map((order) => cancelOrder(shop, order, rules, BY_TIMEOUT)),
    );
  }
  if (step.do === 'merge') {
    const tables = [shop.orders, shop.coupons, shop.couponLedger, shop.points, shop.pointsLedger];
    for (const row of tables.flat()) if (row.userId === step.userId) row.userId = step.into;
    return null;
  }
  const order = shop.orders.find(({ id }) => id === step.orderId);
  if (step.do === 'pay') {
    if (order?.status === 1 || order?.status === 3) order.status = 2;
    return null;
  }
  if (step.do === 'reopen') {
    if (order?.status === 3) reopen(shop, order, step.takesAnew);
    return null;
  }
  if (order !== undefined) return call(shop, order, step, rules);
  return outcomeOf(step.do === 'repair' ? REPAIRED : 'not_found', []);
}

/** Carries a scenario out, in a shop of its own. */
export function playAll({ shop: before, steps }: Scenario, rules: Rules): ShopData {
  const shop = structuredClone(before);
  for (const step of steps) play(shop, step, rules);
  return shop;
}

/** repair_missing_refund() answers with what came back, or with nothing. */
export const REPAIRED = 'repaired';

function call(
  shop: ShopData,
  order: Order,
  step: Exclude<Call, { do: 'sweep' }>,
  rules: Rules,
): Outcome {
  switch (step.do) {
    case 'hold':
      if (order.status === 2 || order.status === 3) return outcomeOf('not_pending', []);
      order.isHeld = true;
      return outcomeOf('held', []);
    case 'repair':
      return outcomeOf(
        REPAIRED,
        order.status === 3 ? [giveBack(shop, order, rules, BY_REPAIR)] : [],
      );
    case 'cancel':
      if (step.userId !== null && step.userId !== order.userId) return outcomeOf('not_owner', []);
      return cancel(shop, order, rules, step.userId === null ? BY_ADMIN : BY_USER);
    case 'time out':
      return cancel(shop, order, rules, BY_TIMEOUT);
  }
}

function cancel(shop: ShopData, order: Order, rules: Rules, words: Words): Outcome {
  const verdict = verdictOf(order, rules, words.cause === 'timeout' ? 'timeout' : 'person');
  // A repeated call tells what the last cancellation gave back.
  if (verdict === 'not_pending') return outcomeOf(verdict, [lastGiven(shop, order)]);
  if (verdict !== 'due') return outcomeOf(verdict, []);
  return outcomeOf('cancelled', [cancelOrder(shop, order, rules, words)]);
}

function lastGiven(shop: ShopData, order: Order): Given {
  const times = shop.cancellations.filter(({ orderId }) => orderId === order.id).length;
  const given = shop.journal.filter(
    ({ orderId, nth, cause }) => orderId === order.id && nth === times && cause !== 'repair',
  );
  const of = (one: string) =>
    sumOf(
      given.filter(({ kind }) => kind === one),
      ({ amount }) => amount,
    );
  return { coupons: of('coupon'), points: of('points') };
}

const BY_USER: Words = { cause: 'user', action: 'cancel_refund', remark: CALLERS_REMARK };
const BY_ADMIN: Words = { ...BY_USER, cause: 'admin' };
const BY_REPAIR: Words = { cause: 'repair', action: 'repair_refund', remark: 'order_repair' };

/** What is taken when the shop takes anew for a reopened order. */
export const TAKEN_ANEW = { coupon: 70, points: 7 };

/** Somebody sets a cancelled order back to pending, or to paid, and the shop may take for it once more. */
function reopen(shop: ShopData, order: Order, takesAnew: boolean): void {
  order.status = 1;
  order.cancelledAt = null;
  if (!takesAnew) return;

  const coupon = shop.coupons.find(({ id }) => id === order.couponId);
  if (coupon !== undefined) {
    coupon.balance -= TAKEN_ANEW.coupon;
    coupon.status = 4;
    coupon.usedOrderId = order.id;
    coupon.usedAt = 'earlier';
    shop.couponLedger.push({
      userId: order.userId,
      couponId: coupon.id,
      change: -TAKEN_ANEW.coupon,
      orderId: order.id,
      action: 'reserve',
      createdAt: 'earlier',
    });
  }
  const points = shop.points.find(({ userId }) => userId === order.userId);
  if (points !== undefined) {
    points.points -= TAKEN_ANEW.points;
    shop.pointsLedger.push({
      userId: order.userId,
      action: 'order_deduct',
      points: -TAKEN_ANEW.points,
      refTable: 'orders',
      refId: order.id,
      remark: '',
      createdAt: 'earlier',
    });
  }
}

function outcomeOf(outcome: string, given: readonly Given[]): Outcome {
  return {
    outcome,
    cancelled: outcome === 'cancelled' || outcome === 'completed' ? given.length : 0,
    coupons: sumOf(given, ({ coupons }) => coupons),
    points: sumOf(given, ({ points }) => points),
  };
}
