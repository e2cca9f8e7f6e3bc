import { parseInstant } from './arguments';
import { type CallOptions, callProcedure } from './call';
import { readShopClock } from './clock';
import type { Database } from './database';
import { type MissingRefund, readMissingRefund } from './missing-refund';
import { shopTimeOf } from './shop-time';

export interface AuditOptions extends CallOptions {
  /** Only orders placed from then on. Default: all. */
  readonly since?: Date;
}

/**
 * Lists cancelled orders that never got something back, whoever cancelled them, by order id. Locks
 * nothing. Calls `audit_missing_refunds`; with `since` also `order_timeout_clock`, on which it needs
 * EXECUTE too.
 *
 * Throws `OrderTimeoutError` (`INVALID_ARGUMENT`, `SETTING_LOST`), and MySQL's own errors unchanged.
 */
export async function auditMissingRefunds(
  db: Database,
  { since, ...options }: AuditOptions = {},
): Promise<MissingRefund[]> {
  return await callProcedure(db, {
    ...options,
    procedure: 'audit_missing_refunds',
    args: [since === undefined ? null : await shopTime(db, parseInstant('since', since), options)],
    read: (rows) => rows.map(readMissingRefund),
  });
}

async function shopTime(db: Database, instant: Date, options: CallOptions): Promise<string> {
  return shopTimeOf(instant, await readShopClock(db, options));
}
