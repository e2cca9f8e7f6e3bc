import type { Connection } from 'mysql2/promise';
import { type RepairedRefund, repairMissingRefund } from '../client/repair-missing-refund';
import type { Repairable } from './find-repairable';

export interface RepairReport {
  readonly repaired: readonly RepairedRefund[];
  readonly failed: readonly { readonly orderId: bigint; readonly message: string }[];
}

/** Repairs order by order, each in a transaction of its own: one that fails does not stop the others. */
export async function repairOrders(
  db: Connection,
  { toGive }: Pick<Repairable, 'toGive'>,
): Promise<RepairReport> {
  const repaired: RepairedRefund[] = [];
  const failed: { orderId: bigint; message: string }[] = [];
  for (const orderId of new Set(toGive.map((one) => one.orderId))) {
    try {
      repaired.push(...(await repairMissingRefund(db, orderId)));
    } catch (error) {
      failed.push({ orderId, message: error instanceof Error ? error.message : String(error) });
    }
  }
  return { repaired, failed };
}
