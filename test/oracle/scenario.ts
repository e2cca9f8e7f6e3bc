import { cancelOrder, giveBack, type Rules } from './reference';
import { type JournalRow, type Order, type ShopData, sumOf, timesCancelled } from './shop-data';

/** What happens in a shop, one after the other. */
export type Step = Call | OwnStep;

/** What the engine is asked to do. */
export type Call =
  | { readonly do: 'sweep' }
  | { readonly do: 'time out' | 'hold' | 'repair'; readonly orderId: number }
  | { readonly do: 'cancel'; readonly orderId: number; readonly userId: number | null };

/** What the shop does itself. */
export type OwnStep =
  /** Which does not look whether the order still waits. */
  | { readonly do: 'pay'; readonly orderId: number }
  /** Somebody sets a cancelled order back to pending, and the shop may take for it once more. */
  | { readonly do: 'reopen'; readonly orderId: number; readonly takesAnew: boolean }
  /** Of one account of the shop nothing is left, whatever it had is another's. */
  | { readonly do: 'merge'; readonly userId: number; readonly into: number };

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

/** repair_missing_refund() answers with what came back, or with nothing. */
export const REPAIRED = 'repaired';

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

/** Carries a scenario out, in a shop of its own. */
export function playAll({ shop: before, steps }: Scenario, rules: Rules): ShopData {
  const shop = structuredClone(before);
  for (const step of steps) play(shop, step, rules);
  return shop;
}

/** Carries a step out by these rules, in this shop. A step of the shop's own has no outcome. */
export function play(shop: ShopData, step: Step, rules: Rules): Outcome | null {
  if (isOwn(step)) {
    playOwn(shop, step);
    return null;
  }
  const known = { cancelled: shop.cancellations.length, given: shop.journal.length };
  const outcome = playCall(shop, step, rules);
  const isRepeated = outcome === 'not_pending' && step.do !== 'hold' && step.do !== 'sweep';
  const given = isRepeated ? lastGiven(shop, step.orderId) : shop.journal.slice(known.given);
  const of = (kind: string) =>
    sumOf(
      given.filter((row) => row.kind === kind),
      ({ amount }) => amount,
    );
  const cancelled = shop.cancellations.length - known.cancelled;
  return { outcome, cancelled, coupons: of('coupon'), points: of('points') };
}

export const isOwn = (step: Step): step is OwnStep => ['pay', 'reopen', 'merge'].includes(step.do);

function playCall(shop: ShopData, step: Call, rules: Rules): string {
  if (step.do === 'sweep') {
    const due = shop.orders.filter((order) => verdictOf(order, rules, 'timeout') === 'due');
    for (const order of due) cancelOrder(shop, order, rules, 'timeout');
    return 'completed';
  }
  const order = shop.orders.find(({ id }) => id === step.orderId);
  if (step.do === 'repair') {
    if (order?.status === 3) giveBack(shop, order, rules, 'repair');
    return REPAIRED;
  }
  if (order === undefined) return 'not_found';
  if (step.do === 'hold') {
    if (order.status === 2 || order.status === 3) return 'not_pending';
    order.isHeld = true;
    return 'held';
  }
  const userId = step.do === 'cancel' ? step.userId : null;
  if (userId !== null && userId !== order.userId) return 'not_owner';
  const verdict = verdictOf(order, rules, step.do === 'cancel' ? 'person' : 'timeout');
  if (verdict !== 'due') return verdict;
  const person = userId === null ? 'admin' : 'user';
  cancelOrder(shop, order, rules, step.do === 'cancel' ? person : 'timeout');
  return 'cancelled';
}

/** What the last cancellation gave back, which a repeated call tells. */
function lastGiven(shop: ShopData, id: number): JournalRow[] {
  return shop.orders
    .filter((order) => order.id === id)
    .flatMap((order) =>
      shop.journal.filter(
        ({ orderId, nth, cause }) =>
          orderId === id && nth === timesCancelled(shop, order) && cause !== 'repair',
      ),
    );
}

/** What is taken when the shop takes anew for a reopened order. */
export const TAKEN_ANEW = { coupon: 70, points: 7 };

function playOwn(shop: ShopData, step: OwnStep): void {
  if (step.do === 'merge') {
    const tables = [shop.orders, shop.coupons, shop.couponLedger, shop.points, shop.pointsLedger];
    for (const row of tables.flat()) if (row.userId === step.userId) row.userId = step.into;
    return;
  }
  const order = shop.orders.find(({ id }) => id === step.orderId);
  if (step.do === 'pay') {
    if (order?.status === 1 || order?.status === 3) order.status = 2;
  } else if (order?.status === 3) {
    order.status = 1;
    order.cancelledAt = null;
    if (step.takesAnew) takeAnew(shop, order);
  }
}

function takeAnew(shop: ShopData, { id, userId, couponId }: Order): void {
  const coupon = shop.coupons.find((one) => one.id === couponId);
  if (coupon !== undefined) {
    const change = -TAKEN_ANEW.coupon;
    coupon.balance += change;
    Object.assign(coupon, { status: 4, usedOrderId: id, usedAt: 'earlier' });
    shop.couponLedger.push({
      ...{ userId, couponId: coupon.id, change, orderId: id },
      ...{ action: 'reserve', createdAt: 'earlier' },
    });
  }
  const account = shop.points.find((one) => one.userId === userId);
  if (account !== undefined) {
    const points = -TAKEN_ANEW.points;
    account.points += points;
    const of = { refTable: 'orders', refId: String(id) };
    shop.pointsLedger.push({
      ...{ userId, action: 'order_deduct', points, ...of, remark: '', createdAt: 'earlier' },
    });
  }
}
