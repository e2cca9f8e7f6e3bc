import { type CallOptions, callProcedure } from './call';
import type { Database } from './database';
import { type Id, parseId } from './ids';
import { oneOf, onlyRow, whole } from './rows';

const OUTCOMES = ['released', 'not_held'] as const;

/** `not_held`: there was no hold to end. */
export type ReleaseOrderHoldOutcome = (typeof OUTCOMES)[number];

export interface ReleaseOrderHoldResult {
  readonly orderId: bigint;
  readonly outcome: ReleaseOrderHoldOutcome;
}

/**
 * Ends the hold of an order: it times out as usual again. Calls `release_order_hold`.
 *
 * Transactions and errors: as `cancelExpiredOrder`.
 */
export async function releaseOrderHold(
  db: Database,
  orderId: Id,
  options: CallOptions = {},
): Promise<ReleaseOrderHoldResult> {
  return await callProcedure(db, {
    ...options,
    procedure: 'release_order_hold',
    args: [parseId('orderId', orderId)],
    read: (rows) => {
      const row = onlyRow(rows);
      return { orderId: whole(row, 'order_id'), outcome: oneOf(row, 'outcome', OUTCOMES) };
    },
  });
}
