import { BY_CANCEL, BY_TIMEOUT, cancelExpiredOrder, cleanupExpiredOrders } from './reference';
import { type Given, isExpired, type Rules } from './reference';
import type { ShopData } from './shop-data';

/** What happens in a shop, one after the other. */
export type Step =
  | { readonly do: 'sweep' }
  | { readonly do: 'time out'; readonly orderId: number }
  | { readonly do: 'cancel'; readonly orderId: number; readonly userId: number | null }
  | { readonly do: 'reopen'; readonly orderId: number; readonly takesAnew: boolean };

export interface Scenario {
  readonly shop: ShopData;
  readonly steps: readonly Step[];
}

/** What the steps gave back, one entry for each step. */
export interface Outcome {
  readonly cancelled: number;
  readonly coupons: number;
  readonly points: number;
}

/** Carries a scenario out by these rules; the shop given is left as it was. */
export function play(scenario: Scenario, rules: Rules): { shop: ShopData; outcomes: Outcome[] } {
  const shop = structuredClone(scenario.shop);
  return { shop, outcomes: scenario.steps.map((step) => outcomeOf(playStep(shop, step, rules))) };
}

function playStep(shop: ShopData, step: Step, rules: Rules): Given[] {
  if (step.do === 'sweep') return [...cleanupExpiredOrders(shop, rules).values()];

  const order = shop.orders.find(({ id }) => id === step.orderId);
  if (order === undefined) return [];
  switch (step.do) {
    case 'time out':
      return isExpired(order) ? [cancelExpiredOrder(shop, order, rules, BY_TIMEOUT)] : [];
    case 'cancel': {
      const mayCancel = step.userId === null || step.userId === order.userId;
      if (order.status !== 1 || !mayCancel) return [];
      return [cancelExpiredOrder(shop, order, rules, BY_CANCEL)];
    }
    case 'reopen':
      if (order.status === 3) reopen(shop, order.id, step.takesAnew);
      return [];
  }
}

/** What is taken when the shop takes anew for a reopened order. */
export const TAKEN_ANEW = { coupon: 70, points: 7 };

/** An admin sets a cancelled order back to pending, and the shop may take for it once more. */
function reopen(shop: ShopData, orderId: number, takesAnew: boolean): void {
  const order = shop.orders.find(({ id }) => id === orderId);
  if (order === undefined) return;
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

function outcomeOf(given: readonly Given[]): Outcome {
  const sum = (amount: (one: Given) => number) => given.reduce((all, one) => all + amount(one), 0);
  return {
    cancelled: given.length,
    coupons: sum(({ coupons }) => coupons),
    points: sum(({ points }) => points),
  };
}
