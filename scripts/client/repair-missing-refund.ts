import { type CallOptions, callProcedure } from './call';
import type { Database } from './database';
import { type Id, parseId } from './ids';
import { type MissingRefund, readMissingRefund } from './missing-refund';
import { whole } from './rows';

export interface RepairedRefund extends MissingRefund {
  /** What came back now. 0n: taken anew after an earlier refund, which is for a person to decide. */
  readonly given: bigint;
}

/**
 * Gives back what `auditMissingRefunds` finds for one order, exactly once, and resolves with what was
 * found and given. Empty: nothing is missing, or there is no such cancelled order. Calls
 * `repair_missing_refund`.
 *
 * Transactions, units and errors: as `cancelExpiredOrder`.
 */
export async function repairMissingRefund(
  db: Database,
  orderId: Id,
  options: CallOptions = {},
): Promise<RepairedRefund[]> {
  return await callProcedure(db, {
    ...options,
    procedure: 'repair_missing_refund',
    args: [parseId('orderId', orderId)],
    read: (rows) => rows.map((row) => ({ ...readMissingRefund(row), given: whole(row, 'given') })),
  });
}
