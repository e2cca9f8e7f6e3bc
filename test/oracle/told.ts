import { MEANING } from './differences';
import { type Due, duesOf, isOfOrder, type Rules, sumOf } from './reference';
import { verdictOf } from './scenario';
import type { JournalRow, Kind, Order, ShopData } from './shop-data';

/** Something that a person has to look at. */
export interface Finding {
  readonly orderId: number;
  readonly kind: Kind | '';
  readonly targetId: number;
  readonly what: string;
  readonly amount: number;
  readonly otherAmount: number;
  readonly detail: string;
}

/** All that the engine says of a shop without changing it. */
export interface Told {
  /** preview_expired_orders(): what the next sweep gives back. */
  readonly preview: readonly { orderId: number; coupons: number; points: number }[];
  /** audit_missing_refunds(NULL). */
  readonly audit: readonly Missing[];
  /** explain_order_timeout() and order_deadlines(), for each order. */
  readonly verdicts: readonly { orderId: number; verdict: string; state: string }[];
  /** order_money(), for each order. */
  readonly money: readonly Money[];
}

export interface Missing extends Pick<Due, 'kind' | 'targetId' | 'taken' | 'returned' | 'source'> {
  readonly orderId: number;
  readonly missing: number;
}

interface Money extends Missing {
  /** 0: a row that is opened, or was; null: there is none, and none is opened. */
  readonly accountId: number | null;
}

/** What is due for an order, beside what the journal has of it. */
interface Seen extends Due {
  readonly order: Order;
  readonly claim: JournalRow | undefined;
  readonly accountId: number | null;
  /** What a settlement would give now. */
  readonly refundable: number;
}

function seenOf(shop: ShopData, rules: Rules): Seen[] {
  return shop.orders.flatMap((order) =>
    duesOf(shop, order, rules).map((due) => {
      const { kind, targetId } = due;
      const claim = shop.journal.find(
        (row) => row.orderId === order.id && row.kind === kind && row.targetId === targetId,
      );
      const accountId =
        kind === 'points'
          ? (rules.pointsRow(shop, order)?.id ?? 0)
          : (rules.couponRow(shop, targetId)?.id ?? null);
      const refundable = claim === undefined && accountId !== null ? due.due : 0;
      return { ...due, order, claim, accountId, refundable };
    }),
  );
}

export function tellOf(shop: ShopData, rules: Rules): Told {
  const seen = seenOf(shop, rules);
  const refundable = (orderId: number, kind: Kind) =>
    sumOf(
      seen.filter((one) => one.order.id === orderId && one.kind === kind),
      (one) => one.refundable,
    );
  const missing = seen.map((one): Missing => {
    const { kind, targetId, taken, returned, claim, order } = one;
    return {
      orderId: order.id,
      kind,
      targetId,
      taken,
      returned: Math.max(returned, claim?.amount ?? 0),
      missing: order.status === 3 ? one.refundable : 0,
      source: claim?.source ?? one.source,
    };
  });
  return {
    preview: shop.orders
      .filter((order) => verdictOf(order, rules, 'timeout') === 'due')
      .map(({ id }) => ({
        orderId: id,
        coupons: refundable(id, 'coupon'),
        points: refundable(id, 'points'),
      })),
    audit: missing.filter((one) => one.missing > 0),
    verdicts: shop.orders.map((order) => verdictsOf(shop, order, rules)),
    money: missing.map((one, nth) => ({
      ...one,
      accountId: seen[nth]?.claim?.accountId ?? seen[nth]?.accountId ?? null,
    })),
  };
}

/** In explain's words, and in those of a countdown. */
function verdictsOf(
  { cancellations }: ShopData,
  order: Order,
  rules: Rules,
): Told['verdicts'][number] {
  const orderId = order.id;
  if (order.status === 2) return { orderId, verdict: 'paid', state: 'paid' };
  if (order.status === 3) {
    const isOurs = cancellations.some((one) => one.orderId === orderId);
    return { orderId, verdict: isOurs ? 'cancelled' : 'cancelled_elsewhere', state: 'cancelled' };
  }
  const verdict = verdictOf(order, rules, 'timeout');
  const states: Record<string, string> = { not_pending: 'excluded', not_expired: 'pending' };
  return { orderId, verdict, state: states[verdict] ?? verdict };
}

/** What a person has to look at, by the shop as it is and the journal. */
export function findingsOf(shop: ShopData, rules: Rules): Finding[] {
  const seen = seenOf(shop, rules);
  const contradictory = shop.orders
    .filter((order) => verdictOf(order, rules, 'timeout') === 'contradictory')
    .map(({ id }) => finding({ orderId: id, what: 'contradictory' }));
  const others = seen.flatMap((one) =>
    [...whatIsFound(shop, one)].map(([what, amount, otherAmount, detail = '']) => {
      const { order, kind, targetId } = one;
      return finding({ orderId: order.id, kind, targetId, what, amount, otherAmount, detail });
    }),
  );
  return [...contradictory, ...others, ...unknownActions(shop, seen)];
}

/** What a cancel of these orders finds at once; the rest is found when they are looked at again. */
export function foundAtOnce(shop: ShopData, orderIds: readonly number[], rules: Rules): Finding[] {
  const found = findingsOf(shop, rules).filter(({ orderId }) => orderIds.includes(orderId));
  const isMet = ({ orderId, kind, targetId }: Finding) =>
    found.some(
      (one) =>
        one.what === 'second_take' &&
        one.orderId === orderId &&
        one.kind === kind &&
        one.targetId === targetId,
    );
  return found.filter(
    (one) =>
      ['second_take', 'ledger_differs', 'missing_target'].includes(one.what) ||
      (one.what === 'short' && isMet(one)),
  );
}

const finding = (values: Partial<Finding> & Pick<Finding, 'orderId' | 'what'>): Finding => ({
  kind: '',
  targetId: 0,
  amount: 0,
  otherAmount: 0,
  detail: '',
  ...values,
});

function* whatIsFound(
  shop: ShopData,
  { order, claim, accountId, ...due }: Seen,
): Generator<[what: string, amount: number, otherAmount: number, detail?: string]> {
  const { taken, ledgerTaken } = claim ?? due;
  if (ledgerTaken > 0 && ledgerTaken !== taken) yield ['ledger_differs', taken, ledgerTaken];
  const copies = shop.orderCoupons.filter(
    (row) => row.orderId === order.id && row.couponId === due.targetId,
  ).length;
  if (due.kind === 'coupon' && copies > 1) yield ['duplicate_rows', due.taken, copies];
  if (claim === undefined) {
    if (accountId === null && [1, 3].includes(order.status)) yield ['missing_target', due.due, 0];
    if (accountId !== null && order.status === 3 && due.due > 0)
      yield ['missing_refund', due.due, due.taken];
    return;
  }
  const times = shop.cancellations.filter(({ orderId }) => orderId === order.id).length;
  if (times > claim.nth) yield ['second_take', claim.amount, due.ledgerTaken];
  if (due.due > 0) yield ['short', claim.amount, claim.amount + due.due];
  const most = Math.max(due.taken, due.ledgerTaken);
  if (due.returned > most) {
    const detail = `${due.kind} ${due.targetId}: ${due.returned} given back of ${most} taken`;
    yield ['broken_invariant', claim.amount, 0, detail];
  }
  if (order.status === 2) yield ['paid_after_refund', claim.amount, claim.taken];
  if (order.status === 1) yield ['pending_after_refund', claim.amount, claim.taken];
}

/** One finding for an action, wherever it was met first: said here without the order. */
function unknownActions(shop: ShopData, seen: readonly Seen[]): Finding[] {
  const met = (kind: Kind) =>
    seen
      .filter((one) => one.kind === kind)
      .flatMap(({ order, targetId }): { readonly action: string }[] =>
        kind === 'points'
          ? shop.pointsLedger.filter((row) => isOfOrder(row, order))
          : shop.couponLedger.filter(
              (row) => row.orderId === order.id && row.couponId === targetId,
            ),
      )
      .map(({ action }) => action)
      .filter((action) => MEANING[action] === undefined);
  return (['coupon', 'points'] as const).flatMap((kind) =>
    [...new Set(met(kind))].map((detail) =>
      finding({ orderId: 0, kind, what: 'unknown_action', detail }),
    ),
  );
}
