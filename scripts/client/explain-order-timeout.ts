import { type CallOptions, callProcedure } from './call';
import type { Database } from './database';
import { type Id, parseId } from './ids';
import { oneOf, text } from './rows';

const STEPS = [
  'answer',
  'order',
  'policy',
  'hold',
  'failure',
  'cancellation',
  'refund',
  'finding',
  'refundable',
  'missing',
] as const;

/** One fact about the order. The first one, `answer`, is the answer; the others are what it rests on. */
export interface Explanation {
  readonly step: (typeof STEPS)[number];
  /** One word, such as `not_expired`. */
  readonly verdict: string;
  /** In plain words, for a person; times are in the shop's clock. */
  readonly detail: string;
}

/**
 * Tells in plain words why an order was, or was not, or will be cancelled, and what came back. It
 * answers for any id, also one of which there is no order. Calls `explain_order_timeout`.
 *
 * Throws `OrderTimeoutError` (`INVALID_ID`), and MySQL's own errors unchanged.
 */
export async function explainOrderTimeout(
  db: Database,
  orderId: Id,
  options: CallOptions = {},
): Promise<Explanation[]> {
  return await callProcedure(db, {
    ...options,
    procedure: 'explain_order_timeout',
    args: [parseId('orderId', orderId)],
    read: (rows) =>
      rows.map((row) => ({
        step: oneOf(row, 'step', STEPS),
        verdict: text(row, 'verdict'),
        detail: text(row, 'detail'),
      })),
  });
}
