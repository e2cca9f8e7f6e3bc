export const ORDER_KINDS = ['paid', 'cancelled', 'due', 'young', 'excluded'] as const;

/** `due`: past its time; `young`: not yet; `excluded`: past its time, of a source type that never times out. */
export type OrderKind = (typeof ORDER_KINDS)[number];

/** Shares of the whole, in any unit. A kind that is left out does not occur. */
export type Mix = Readonly<Partial<Record<OrderKind, number>>>;

/** A shop in which nobody has cancelled for a while: most orders are long done. */
export const EVERYDAY_MIX: Mix = { paid: 60, cancelled: 20, due: 10, young: 5, excluded: 5 };

export interface Portion {
  readonly kind: OrderKind;
  readonly orders: number;
}

/** Splits `orders` by the mix, into portions of at most `size`. The numbers add up to `orders`. */
export function portions(orders: number, mix: Mix, size: number): Portion[] {
  const kinds = ORDER_KINDS.filter((kind) => (mix[kind] ?? 0) > 0);
  const total = kinds.reduce((sum, kind) => sum + (mix[kind] ?? 0), 0);
  const result: Portion[] = [];
  let shares = 0;
  let given = 0;
  for (const kind of kinds) {
    shares += mix[kind] ?? 0;
    // By the running sum, so that rounding loses no order.
    const upTo = Math.round((orders * shares) / total);
    for (; given < upTo; given += result.at(-1)?.orders ?? 0) {
      result.push({ kind, orders: Math.min(size, upTo - given) });
    }
  }
  return result;
}
