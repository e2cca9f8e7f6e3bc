import * as fc from 'fast-check';
import { type Cause, codeOf, CODES, type Keys, opens, stored, type ValueOf } from './shop';

const often = <T>(value: T, ...rare: T[]) => fc.constantFrom(value, value, value, value, ...rare);
const seldom = often(false, true);
const wholeRows = fc.array(fc.record({ used: often(true, false), gone: seldom }), { maxLength: 2 });
const just = <T>(length: number, rows: fc.Arbitrary<T>) =>
  fc.array(rows, { minLength: length, maxLength: length });

/** What is in the shop. Ids of rows that are not there are among those that are named. */
export const data = fc.record({
  orders: just(
    12,
    fc.record({
      buyer: fc.integer({ min: 1, max: 3 }),
      type: fc.constantFrom(1, 3, null),
      isDue: often(true, false),
      status: often(CODES.pending, CODES.paid, CODES.timeout, CODES.other),
      isPaid: seldom,
      gone: seldom,
      score: fc.constantFrom(0, 5, 70, null),
      bonus: fc.constantFrom(0, 6, 80, null),
      lines: fc.array(
        fc.record({
          key: fc.constantFrom(1, 2, 3, 0, null),
          quantity: fc.constantFrom(1, 2, 5, 0, null),
          gift: seldom,
        }),
        { maxLength: 4 },
      ),
      /** Of the order's own template; `null`: it names none. */
      coupons: fc.option(wholeRows),
      vouchers: wholeRows,
      /** How it is cancelled, or that it is tried; the sweep comes last. */
      by: fc.constantFrom<(Cause | 'sweep')[]>('sweep', 'sweep', 'timeout', 'user', 'admin'),
    }),
  ),
  keys: just(
    2,
    fc.record({
      left: fc.constantFrom(0, 4, 100, null),
      spare: fc.constantFrom(0, 3, 100, null),
      gone: seldom,
    }),
  ),
  buyers: just(2, fc.record({ score: fc.constantFrom(0, 30, 1000, null), gone: seldom })),
  wallets: just(2, fc.record({ bonus: fc.constantFrom(0, 40, 1000, null), gone: seldom })),
});
export type Data = ValueOf<typeof data>;
type Order = Data['orders'][number];

/** Ids: of the nth order, and of its nth coupon or voucher. */
export const orderId = (nth: number) => nth + 1;
export const rowId = (nthOrder: number, nth: number) => orderId(nthOrder) * 10 + nth;

/** What must be in the end, line by line: in a text each, in any order. */
export type End = Record<(typeof PARTS)[number], string[]>;

/** Kinds whose amounts are given to rows, each then told as `row amount`. */
export const AMOUNT_KINDS = ['stock', 'points', 'gift', 'bonus'] as const;
type AmountKind = (typeof AMOUNT_KINDS)[number];

const PARTS = [
  ...AMOUNT_KINDS,
  /** `id status` */
  'orders',
  /** Rows that are set free. */
  'coupons',
  'vouchers',
  /** `kind order target amount` */
  'log',
  /** Rows that would have fallen below their floor: `kind id` */
  'belowFloor',
  /** What could not be given, or can't be when it comes to that: `order kind target` */
  'findings',
] as const;

export const eachPart = <T>(of: (part: keyof End) => T) =>
  Object.fromEntries(PARTS.map((part) => [part, of(part)])) as Record<keyof End, T>;

/** A row that an amount is given to; rows have the ids 1, 2 … */
interface Row {
  readonly amount: number | null;
  readonly gone: boolean;
}

const rowsOf = ({ keys, buyers, wallets }: Data): Record<AmountKind, Row[]> => ({
  stock: keys.map(({ left, gone }) => ({ amount: left, gone })),
  gift: keys.map(({ spare, gone }) => ({ amount: spare, gone })),
  points: buyers.map(({ score, gone }) => ({ amount: score, gone })),
  bonus: wallets.map(({ bonus, gone }) => ({ amount: bonus, gone })),
});

/** What an order took of each kind: row to amount. */
function takenBy(shop: Keys, { lines, buyer, score, bonus }: Order) {
  const ofLines = (isOfKind: (gift: boolean) => boolean) => {
    const taken = new Map<number, number>();
    for (const { key, quantity, gift } of lines)
      if (key !== null && key > 0 && isOfKind(gift))
        taken.set(key, (taken.get(key) ?? 0) + (quantity ?? 0));
    return taken;
  };
  return {
    stock: ofLines((gift) => !(shop.stock.lineOnly && gift)),
    gift: ofLines((gift) => gift),
    points: new Map([[buyer, score ?? 0]]),
    bonus: new Map([[buyer, bonus ?? 0]]),
  };
}

/** By the shop file, told once more: who is cancelled, and what each of them gets back. */
export function endOf(shop: Keys, content: Data): End {
  const rows = rowsOf(content);
  const given = { stock: [], points: [], gift: [], bonus: [] } as Record<AmountKind, number[]>;
  const end: End = eachPart(() => []);
  for (const [nth, order] of content.orders.entries()) {
    const id = orderId(nth);
    const cause = order.by === 'sweep' ? 'timeout' : order.by;
    const isOver = isCancelled(shop, order, cause);
    const status = isOver ? codeOf(shop, cause) : order.status;
    end.orders.push(`${id} ${stored(shop, status)}`);
    const give = (kind: string, isLogged: boolean, target: number, amount: number) => {
      if (isOver && isLogged) end.log.push(`${kind} ${id} ${target} ${amount}`);
      return isOver;
    };
    const miss = (kind: string, target: number) => {
      // Of what somebody else cancelled it is known only where the rows name their order.
      const isKnown = kind === 'voucher' && shop.voucher.journal;
      if (isOver || status === CODES.pending || (status === CODES.timeout && isKnown))
        end.findings.push(`${id} ${kind} ${target}`);
    };

    const taken = takenBy(shop, order);
    for (const kind of AMOUNT_KINDS)
      for (const [row, amount] of taken[kind]) {
        if (amount === 0) continue;
        const isThere = !(rows[kind][row - 1]?.gone ?? true) || !shop[kind].targetOnly;
        const isOpened = kind === 'bonus' && opens(shop);
        if (!(isThere && row <= rows[kind].length) && !isOpened)
          miss(kind, kind === 'stock' || kind === 'gift' ? row : 0);
        else if (give(kind, shop[kind].given === 'ledger', row, amount))
          given[kind][row] = (given[kind][row] ?? 0) + amount;
      }

    if (order.coupons !== null) {
      const found = order.coupons.findIndex(
        ({ used, gone }) => (used || !shop.coupon.if) && !(gone && shop.coupon.targetOnly),
      );
      if (found === -1) miss('coupon', id);
      else if (give('coupon', shop.coupon.ledger, rowId(nth, found), 1))
        end.coupons.push(String(rowId(nth, found)));
    }

    for (const [place, { used, gone }] of order.vouchers.entries()) {
      if (shop.voucher.if && !used) continue;
      const voucher = rowId(nth, place);
      if (gone && shop.voucher.targetOnly) miss('voucher', voucher);
      else if (give('voucher', shop.voucher.ledger && shop.voucher.journal, voucher, 1))
        end.vouchers.push(String(voucher));
    }
  }
  for (const kind of AMOUNT_KINDS) {
    const { verb } = shop[kind];
    for (let row = 1; row <= Math.max(rows[kind].length, given[kind].length - 1); row += 1) {
      const before = rows[kind][row - 1]?.amount ?? null;
      const amount = given[kind][row];
      if (amount === undefined) {
        if (row <= rows[kind].length) end[kind].push(`${row} ${before}`);
        continue;
      }
      const after = (before ?? 0) + (verb === 'add' ? amount : -amount);
      const isBelow = verb === 'floor' && after < 0;
      if (isBelow) end.belowFloor.push(`${kind} ${row}`);
      end[kind].push(`${row} ${isBelow ? 0 : after}`);
    }
  }
  return end;
}

function isCancelled(shop: Keys, order: Order, cause: Cause): boolean {
  if (cause === 'timeout') return stateOf(shop, order) === 'due';
  return order.status === CODES.pending && !(shop.paidAt && order.isPaid);
}

/** Where an order stands before anything is done, as it is told. */
export function stateOf(shop: Keys, { status, isPaid, isDue, gone, type }: Order): string {
  if (status === CODES.paid) return 'paid';
  if (status === CODES.timeout) return 'cancelled';
  if (status === CODES.other) return 'excluded';
  if (shop.paidAt && isPaid) return 'contradictory';
  if ((shop.only && gone) || (shop.type && type === 3)) return 'excluded';
  return isDue ? 'due' : 'pending';
}

/** What an audit can see of the orders that somebody else has cancelled: `kind target amount`. */
export function lostBy({ voucher }: Keys, { orders }: Data): string[] {
  if (!voucher.journal) return [];
  return orders
    .flatMap(({ status, vouchers }, nth) =>
      vouchers.flatMap(({ used, gone }, place) =>
        status === CODES.timeout && (used || !voucher.if) && !(gone && voucher.targetOnly)
          ? [`voucher ${rowId(nth, place)} 1`]
          : [],
      ),
    )
    .sort();
}
