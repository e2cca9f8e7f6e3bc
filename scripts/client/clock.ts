import { type CallOptions, callProcedure } from './call';
import type { Database } from './database';
import { onlyRow, text } from './rows';

/** The UTC offset in which the shop writes its DATETIMEs, such as "+08:00". */
export type ShopClock = string;

/** Calls `order_timeout_clock`, on which the account needs EXECUTE. */
export async function readShopClock(db: Database, options: CallOptions): Promise<ShopClock> {
  return await callProcedure(db, {
    ...options,
    procedure: 'order_timeout_clock',
    args: [],
    read: (rows) => text(onlyRow(rows), 'clock'),
  });
}
