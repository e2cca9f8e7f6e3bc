import { type CallOptions, callProcedure } from './call';
import type { Database } from './database';
import { type Id, parseId } from './ids';
import { oneOf, onlyRow, whole } from './rows';

const OUTCOMES = ['retrying', 'not_failed'] as const;

/** `retrying`: the next sweep tries it. `not_failed`: it is not among the orders that failed. */
export type RetryFailedOrderOutcome = (typeof OUTCOMES)[number];

export interface RetryFailedOrderResult {
  readonly orderId: bigint;
  readonly outcome: RetryFailedOrderOutcome;
}

/**
 * Has the next sweep try an order again that failed, also one that was set aside; its attempts count
 * from 0 again. Calls `retry_failed_order`.
 *
 * Transactions and errors: as `cancelExpiredOrder`.
 */
export async function retryFailedOrder(
  db: Database,
  orderId: Id,
  options: CallOptions = {},
): Promise<RetryFailedOrderResult> {
  return await callProcedure(db, {
    ...options,
    procedure: 'retry_failed_order',
    args: [parseId('orderId', orderId)],
    read: (rows) => {
      const row = onlyRow(rows);
      return { orderId: whole(row, 'order_id'), outcome: oneOf(row, 'outcome', OUTCOMES) };
    },
  });
}
