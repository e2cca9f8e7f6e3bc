import { parseInteger } from './arguments';
import { type CallOptions, callProcedure } from './call';
import { readShopClock, type ShopClock } from './clock';
import type { Database } from './database';
import { OrderTimeoutError } from './errors';
import { type Id, parseId } from './ids';
import { oneOf, text, type TextRow, whole } from './rows';
import { instantOf } from './shop-time';

/** A place in the feed. Keep it as it is; compare it with nothing. */
export interface FeedPlace {
  readonly position: Id;
  readonly orderId: Id;
}

export interface ReadCancellationsOptions extends CallOptions {
  /** `place` of the last cancellation that was read, or the beginning of what the journal still has. */
  readonly after: FeedPlace | 'beginning';
  /** At most so many cancellations, 1 to 10000. Default: 1000. */
  readonly limit?: number;
}

export interface ReadCancellation {
  /** Where to read on. Ids are text here, so that it survives JSON. */
  readonly place: { readonly position: string; readonly orderId: string };
  readonly orderId: bigint;
  readonly userId: bigint;
  readonly sourceType: bigint | null;
  /** Who cancelled it. */
  readonly cause: 'timeout' | 'user' | 'admin';
  /** order_timeout_run.id; null: not by a sweep. */
  readonly runId: bigint | null;
  /** Coupon money given back, in minor units (10 yuan = 1000n). */
  readonly couponRefunded: bigint;
  /** Points given back. */
  readonly pointsRefunded: bigint;
  /** Coupons that the order names and that don't exist. */
  readonly missingCoupons: readonly bigint[];
  /** Coupons that the order names twice: the larger amount counted. */
  readonly duplicateCoupons: readonly bigint[];
  readonly cancelledAt: Date;
}

/**
 * Reads cancellations as a feed: each one once, in an order in which nothing later appears behind a
 * place that was read. Empty: that is all for now. Keep the last row's `place` in the same transaction
 * as what you do with the rows, and hand it in next time. An order that was reopened and cancelled
 * again is there twice, as it was cancelled twice.
 *
 * Cancellations that were not read within `retention_days` (order_timeout_setting) are gone. Calls
 * `read_cancellations` and `order_timeout_clock`, and needs EXECUTE on both.
 *
 * Throws `OrderTimeoutError`: `IN_TRANSACTION` on a connection that has one open or autocommit off,
 * `READER_BUSY` when another reader did not end within 10 seconds, `INVALID_ARGUMENT`, `INVALID_ID`,
 * `SETTING_LOST`; other errors as `cancelExpiredOrder`.
 */
export async function readCancellations(
  db: Database,
  { after, limit = 1000, ...options }: ReadCancellationsOptions,
): Promise<ReadCancellation[]> {
  const args = [...parsePlace(after), parseInteger('limit', limit)];
  const clock = await readShopClock(db, options);
  return await callProcedure(db, {
    ...options,
    procedure: 'read_cancellations',
    args,
    read: (rows) => rows.map((row) => readRow(row, clock)),
  });
}

/** A place that is missing by mistake must not begin anew. Callers in JavaScript may hand in anything. */
function parsePlace(after: unknown): [bigint, bigint] {
  if (after === 'beginning') return [0n, 0n];
  if (typeof after === 'object' && after !== null && 'position' in after && 'orderId' in after) {
    return [
      parseId('after.position', after.position as Id),
      parseId('after.orderId', after.orderId as Id),
    ];
  }
  throw new OrderTimeoutError(
    'INVALID_ARGUMENT',
    "after must be the place of a cancellation that was read, or 'beginning'.",
  );
}

function readRow(row: TextRow, clock: ShopClock): ReadCancellation {
  const findings = parseFindings(row.findings ?? '{}');
  return {
    place: { position: text(row, 'position'), orderId: text(row, 'order_id') },
    orderId: whole(row, 'order_id'),
    userId: whole(row, 'user_id'),
    sourceType: row.source_type === null ? null : whole(row, 'source_type'),
    cause: oneOf(row, 'cause', ['timeout', 'user', 'admin']),
    runId: row.run_id === null ? null : whole(row, 'run_id'),
    couponRefunded: whole(row, 'coupon_refunded'),
    pointsRefunded: whole(row, 'points_refunded'),
    missingCoupons: (findings.missing_coupons ?? []).map(BigInt),
    duplicateCoupons: (findings.duplicate_coupons ?? []).map(BigInt),
    cancelledAt: instantOf(text(row, 'cancelled_at'), clock),
  };
}

interface Findings {
  readonly missing_coupons?: readonly string[] | null;
  readonly duplicate_coupons?: readonly string[] | null;
}

/** The ids as text: JSON.parse would round them. */
function parseFindings(json: string): Findings {
  return JSON.parse(json.replaceAll(/\d+/g, '"$&"')) as Findings;
}
