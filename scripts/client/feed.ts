import { type Id, invalid, milliseconds, orNone } from './arguments';
import type { CallOptions } from './call';
import { type Database, type DatabasePool, isPool, requireDatabase } from './database';
import { OrderTimeoutError, serverErrno } from './errors';
import { pause } from './pause';
import { type RowOf, rowsOf } from './procedures';

/** A place in the feed. Keep it as it is, as JSON if you like; compare it with nothing. */
export interface FeedPlace {
  readonly position: Id;
  readonly orderId: Id;
}

export interface ReadCancellationsOptions extends CallOptions {
  /** `place` of the last cancellation that was read, or the beginning of what the journal still has. */
  readonly after: FeedPlace | 'beginning';
  /** At most so many cancellations, 1 to 10000. Default: 1000. */
  readonly limit?: number | undefined;
}

export type ReadCancellation = RowOf<'read_cancellations'> & {
  /** Where to read on. */
  readonly place: { readonly position: string; readonly orderId: string };
};

/**
 * Reads cancellations as a feed: each one once, in an order in which nothing later appears behind a
 * place that was read. Empty: that is all for now. Keep the last row's `place` in the same transaction
 * as what you do with the rows, and hand it in next time. An order that was reopened and cancelled
 * again is there twice, as it was cancelled twice.
 *
 * Cancellations that were not read within `retention_days` (order_timeout_setting) are gone. Calls
 * `read_cancellations`.
 *
 * Throws `IN_TRANSACTION` on a connection that has one open, `FEED_BUSY` when
 * another reader did not end within 10 seconds, `INVALID_NUMBER` for a place that no database has given
 * yet, `INVALID_ARGUMENT`, `INVALID_ID`; other errors as `cancelExpiredOrder`.
 */
export async function readCancellations(
  db: Database,
  given: ReadCancellationsOptions,
): Promise<ReadCancellation[]> {
  const { after, limit = 1000, ...options } = orNone(given);
  const args = { ...placeOf('after', after), limit };
  const rows = await rowsOf(db, 'read_cancellations', args, options);
  return rows.map((row) => ({
    place: { position: row.position, orderId: row.orderId },
    ...row,
  }));
}

export interface FollowOptions {
  /** `place` of the last cancellation that was done with, or the beginning of what the journal still has. */
  readonly from: FeedPlace | 'beginning';
  /** Read at once, 1 to 10000. Default: 1000. */
  readonly limit?: number | undefined;
  /** Between two looks when there is nothing new. Default: 1000. */
  readonly pollMs?: number | undefined;
  /** Ends it, also while it waits or reads: the loop is left as if the feed were over. */
  readonly signal?: AbortSignal | undefined;
  /** How long a read may take until its connection counts as lost, as one does that died without a word. Default: 60000. */
  readonly timeoutMs?: number | undefined;
}

const LONGEST_PAUSE_MS = 60_000;

/**
 * Follows the feed for as long as the loop runs: `for await (const one of followCancellations(pool, { from }))`.
 * At least once: keep `one.place` when you are done with it, and begin there next time; what you had
 * not kept comes again. When the database can't be reached, fails over or is busy it waits, twice as
 * long each time up to a minute, and goes on from where it was.
 *
 * Throws what waiting doesn't mend, as `readCancellations` does: a place that no database has
 * given yet, a missing grant, a connection instead of a pool.
 */
export async function* followCancellations(
  db: DatabasePool,
  given: FollowOptions,
): AsyncGenerator<ReadCancellation, void, undefined> {
  const { from, limit = 1000, pollMs = 1000, signal, timeoutMs = 60_000 } = orNone(given);
  requireDatabase(db);
  if (!isPool(db)) throw invalid('db', "a Pool of 'mysql2/promise', as connections are lost", db);
  let after = from;
  placeOf('from', after);
  milliseconds('pollMs', pollMs);
  // An AbortController by mistake would never end it.
  if (signal && typeof signal.addEventListener !== 'function')
    throw invalid('signal', 'an AbortSignal', signal);
  for (let failures = 0; !isAborted(signal);) {
    let page: Page = [];
    try {
      page = await unlessAborted(readCancellations(db, { after, limit, timeoutMs }), signal);
      failures = 0;
    } catch (error) {
      if (!passes(error)) throw error;
      failures++;
    }
    for (const cancellation of page) {
      if (isAborted(signal)) return;
      yield cancellation;
      after = cancellation.place;
    }
    if (page.length === 0) {
      await pause(Math.min(pollMs * 2 ** failures, LONGEST_PAUSE_MS), signal);
    }
  }
}

type Page = readonly ReadCancellation[];

/** What was read, or nothing as soon as the signal is given; the read then ends by itself, and what it gives comes again. */
function unlessAborted(read: Promise<Page>, signal: AbortSignal | undefined): Promise<Page> {
  return new Promise((resolve, reject) => {
    const end = () => {
      resolve([]);
    };
    signal?.addEventListener('abort', end);
    void read.then(resolve, reject).finally(() => signal?.removeEventListener('abort', end));
  });
}

const isAborted = (signal: AbortSignal | undefined) => signal?.aborted === true;

/** Deadlock, lock wait, deployment, too many connections, a limit of the account, read-only or offline for now. */
const PASSING = new Set([1213, 1205, 1305, 1318, 1040, 1203, 1226, 1290, 1836, 3032, 3101]);

/** What mysql2 says of a pool whose connections are all in use, where it is not to wait for one. It has no code. */
const POOL_IS_BUSY = /^(?:No connections available|Queue limit reached)\.$/;

function passes(error: unknown): boolean {
  if (error instanceof OrderTimeoutError) {
    return error.code === 'OUTCOME_UNKNOWN' || error.code === 'FEED_BUSY';
  }
  const errno = serverErrno(error);
  // A connection that fails has a code of the system's and no SQLSTATE.
  if (errno !== undefined) return PASSING.has(errno);
  return error instanceof Error && ('code' in error || POOL_IS_BUSY.test(error.message));
}

/** A place that is missing by mistake must not begin anew. Callers in JavaScript may hand in anything. */
function placeOf(name: string, given: unknown): FeedPlace {
  if (given === 'beginning') return { position: 0, orderId: 0 };
  if (typeof given === 'object' && given !== null && 'position' in given && 'orderId' in given) {
    return given as FeedPlace;
  }
  throw invalid(name, "the place of a cancellation that was read, or 'beginning'", given);
}
