import { MEANING } from './differences';
import { type Due, duesOf, type Rules } from './reference';
import { verdictOf } from './scenario';
import { claimOf, couponLedgerOf, linesOf, pointsLedgerOf, sumOf } from './shop-data';
import { type JournalRow, type Kind, type Order, type ShopData, timesCancelled } from './shop-data';

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
  readonly preview: readonly { orderId: number; couponRefund: number; pointsRefund: number }[];
  /** audit_missing_refunds(NULL). */
  readonly audit: readonly Missing[];
  /** explain_order_timeout() and order_deadlines(), for each order. */
  readonly verdicts: readonly { orderId: number; verdict: string; state: string }[];
  /** order_money(), for each order. The account is 0: a row that is opened, or was; null: there is none, and none is opened. */
  readonly money: readonly (Missing & { readonly accountId: number | null })[];
}

interface Missing extends Pick<Due, 'kind' | 'targetId' | 'taken' | 'returned' | 'source'> {
  readonly orderId: number;
  readonly missing: number;
}

/** What is due for an order, beside what the journal has of it. */
interface Seen extends Due {
  readonly order: Order;
  readonly claim: JournalRow | undefined;
  readonly accountId: number | null;
  /** What a settlement would give now. */
  readonly refundable: number;
  readonly told: Missing;
}

const seenOf = (shop: ShopData, rules: Rules): Seen[] =>
  shop.orders.flatMap((order) =>
    duesOf(shop, order, rules).map((due): Seen => {
      const { kind, targetId, taken } = due;
      const claim = claimOf(shop, order, kind, targetId);
      const accountId =
        kind === 'points'
          ? (rules.pointsRow(shop, order)?.id ?? 0)
          : (rules.couponRow(shop, targetId)?.id ?? null);
      const refundable = claim === undefined && accountId !== null ? due.due : 0;
      const told = {
        ...{ orderId: order.id, kind, targetId, taken, source: claim?.source ?? due.source },
        returned: Math.max(due.returned, claim?.amount ?? 0),
        missing: order.status === 3 ? refundable : 0,
      };
      return { ...due, order, claim, accountId, refundable, told };
    }),
  );

export function tellOf(shop: ShopData, rules: Rules): Told {
  const seen = seenOf(shop, rules);
  const refundable = (orderId: number, kind: Kind) =>
    sumOf(
      seen.filter((one) => one.order.id === orderId && one.kind === kind),
      (one) => one.refundable,
    );
  return {
    preview: shop.orders
      .filter((order) => verdictOf(order, rules, 'timeout') === 'due')
      .map(({ id }) => ({
        orderId: id,
        couponRefund: refundable(id, 'coupon'),
        pointsRefund: refundable(id, 'points'),
      })),
    audit: seen.map(({ told }) => told).filter(({ missing }) => missing > 0),
    verdicts: shop.orders.map((order) => verdictsOf(shop, order, rules)),
    money: seen.map(({ told, claim, accountId }) => ({
      ...told,
      accountId: claim?.accountId ?? accountId,
    })),
  };
}

/** In explain's words, and in those of a countdown. */
function verdictsOf(shop: ShopData, order: Order, rules: Rules): Told['verdicts'][number] {
  const orderId = order.id;
  if (order.status === 2) return { orderId, verdict: 'paid', state: 'paid' };
  if (order.status === 3) {
    const verdict = timesCancelled(shop, order) > 0 ? 'cancelled' : 'cancelled_elsewhere';
    return { orderId, verdict, state: 'cancelled' };
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
  const key = ({ orderId, kind, targetId }: Finding) => `${orderId} ${kind} ${targetId}`;
  const taken = found.filter(({ what }) => what === 'second_take').map(key);
  return found.filter(
    (one) =>
      ['second_take', 'ledger_differs', 'missing_target'].includes(one.what) ||
      (one.what === 'short' && taken.includes(key(one))),
  );
}

const finding = (values: Partial<Finding> & Pick<Finding, 'orderId' | 'what'>): Finding => ({
  ...{ kind: '', targetId: 0, amount: 0, otherAmount: 0, detail: '' },
  ...values,
});

function* whatIsFound(
  shop: ShopData,
  { order, claim, accountId, ...due }: Seen,
): Generator<[what: string, amount: number, otherAmount: number, detail?: string]> {
  const { taken, ledgerTaken } = claim ?? due;
  if (ledgerTaken > 0 && ledgerTaken !== taken) yield ['ledger_differs', taken, ledgerTaken];
  const copies = linesOf(shop, order, due.targetId).length;
  if (due.kind === 'coupon' && copies > 1) yield ['duplicate_rows', due.taken, copies];
  if (claim === undefined) {
    if (accountId === null && [1, 3].includes(order.status)) yield ['missing_target', due.due, 0];
    if (accountId !== null && order.status === 3 && due.due > 0)
      yield ['missing_refund', due.due, due.taken];
    return;
  }
  if (timesCancelled(shop, order) > claim.nth)
    yield [
      ...(['second_take', claim.amount, due.ledgerTaken] as const),
      due.ledgerTaken > 0 ? '' : 'cancelled again',
    ];
  // Of another user, as after a merge, the ledger may not show what came back.
  const cameBack = Math.max(due.returned, claim.userId === order.userId ? 0 : claim.amount);
  if (due.taken > cameBack) yield ['short', claim.amount, claim.amount + due.taken - cameBack];
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
  const met = seen.flatMap(({ order, kind, targetId }) =>
    (kind === 'points' ? pointsLedgerOf(shop, order) : couponLedgerOf(shop, order, targetId))
      .filter(({ action }) => MEANING[action] === undefined)
      .map(({ action }) => ({ kind, action })),
  );
  return (['coupon', 'points'] as const).flatMap((kind) => {
    const actions = met.filter((one) => one.kind === kind).map(({ action }) => action);
    return [...new Set(actions)].map((detail) =>
      finding({ orderId: 0, kind, what: 'unknown_action', detail }),
    );
  });
}
