import { parseInteger, parseText } from './arguments';
import { type CallOptions, callProcedure } from './call';
import type { Database } from './database';
import { type Id, parseId } from './ids';
import { oneOf, onlyRow, whole } from './rows';

const OUTCOMES = ['held', 'not_found', 'not_pending'] as const;

/**
 * - `held`: no sweep cancels the order until the time is over.
 * - `not_found`: there is no such order.
 * - `not_pending`: it is paid or cancelled already.
 */
export type HoldOrderOutcome = (typeof OUTCOMES)[number];

export interface HoldOrderResult {
  readonly orderId: bigint;
  readonly outcome: HoldOrderOutcome;
}

export interface HoldOrderOptions extends CallOptions {
  /** From now, 1 to 1440. */
  readonly minutes: number;
  /** For people, at most 255 characters. Default: none. */
  readonly reason?: string;
}

/**
 * Keeps a pending order from timing out for a while, as when its user is at the cashier. A later hold
 * replaces an earlier one. Its user, or an admin, can still cancel it. Calls `hold_order`.
 *
 * Transactions and errors: as `cancelExpiredOrder`.
 */
export async function holdOrder(
  db: Database,
  orderId: Id,
  { minutes, reason, ...options }: HoldOrderOptions,
): Promise<HoldOrderResult> {
  return await callProcedure(db, {
    ...options,
    procedure: 'hold_order',
    args: [
      parseId('orderId', orderId),
      parseInteger('minutes', minutes),
      parseText('reason', reason),
    ],
    read: (rows) => {
      const row = onlyRow(rows);
      return { orderId: whole(row, 'order_id'), outcome: oneOf(row, 'outcome', OUTCOMES) };
    },
  });
}
