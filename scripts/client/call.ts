import type { Connection, Pool, PoolConnection } from 'mysql2/promise';
import { type Database, isPool, requireDatabase } from './database';
import { leavesNothingOpen, serverErrno, translated } from './errors';
import { withRetries } from './retry';
import { type Answer, ask, type TextRow } from './rows';
import { type Argument, callStatement } from './statement';
import { waitsForCommit } from './transaction';

export interface CallOptions {
  /** Waits no longer than this many milliseconds for the answer. Default: as long as it takes. */
  readonly timeoutMs?: number;
}

export interface Call<Result> extends CallOptions {
  readonly procedure: string;
  readonly args: readonly Argument[];
  /** Reads the result set. `connection`: the one that was called, for a question about its answer. */
  read(rows: readonly TextRow[], connection: Connection): Result | Promise<Result>;
}

/**
 * Calls a procedure of ours. Deadlocks, lock waits and a routine that is being deployed anew are tried
 * again where the transaction is ours: on a pool, or on a connection that has none open.
 */
export async function callProcedure<Result>(db: Database, call: Call<Result>): Promise<Result> {
  requireDatabase(db);
  try {
    return isPool(db)
      ? await withRetries(() => callOnPool(db, call))
      : await callOnConnection(db, call);
  } catch (error) {
    throw error instanceof BeforeTheCall ? error.cause : translated(error);
  }
}

/** Nothing was called yet, so the outcome is known, whatever the error is. */
class BeforeTheCall extends Error {}

async function callOnPool<Result>(pool: Pool, call: Call<Result>): Promise<Result> {
  const connection = await cleanConnection(pool);
  let isReusable = false;
  try {
    const answer = await send(connection, call);
    // Ours alone, as the connection was clean: autocommit is off in this pool.
    if (waitsForCommit(answer.serverStatus)) await ask(connection, 'COMMIT');
    const result = await call.read(answer.rows, connection);
    isReusable = true;
    return result;
  } catch (error) {
    isReusable = leavesNothingOpen(translated(error));
    throw error;
  } finally {
    if (isReusable) connection.release();
    else connection.destroy();
  }
}

const STALE_CONNECTIONS_AT_MOST = 20;

/** One that lives, and has nothing open: what an earlier user of it began and forgot is not ours to commit. */
async function cleanConnection(pool: Pool): Promise<PoolConnection> {
  for (let stale = 0; ; stale++) {
    const connection = await pool.getConnection().catch(beforeTheCall);
    try {
      await ask(connection, 'ROLLBACK');
      return connection;
    } catch (error) {
      connection.destroy();
      if (stale === STALE_CONNECTIONS_AT_MOST) beforeTheCall(error);
    }
  }
}

async function callOnConnection<Result>(
  connection: Connection,
  call: Call<Result>,
): Promise<Result> {
  let isJoined = true;
  const once = async () => {
    // Both are queued at once, so that nothing of the caller's can come between question and call.
    const probe = ask(connection, 'DO 0');
    const sent = send(connection, call);
    sent.catch(() => undefined);
    isJoined = await probe.then(
      ({ serverStatus }) => waitsForCommit(serverStatus),
      // Without a connection the call was never sent. Else it was, perhaps in a transaction.
      (error: unknown) => (serverErrno(error) === undefined ? beforeTheCall(error) : true),
    );
    const answer = await sent.catch(async (error: unknown) => {
      // A killed call may leave half its work in a transaction, which is ours where there was none.
      if (!isJoined && serverErrno(error) !== undefined) await ask(connection, 'ROLLBACK');
      throw error;
    });
    return await call.read(answer.rows, connection);
  };
  return await withRetries(once, () => !isJoined);
}

function send(
  connection: Connection,
  { procedure, args, timeoutMs }: Call<unknown>,
): Promise<Answer> {
  return ask(connection, callStatement(procedure, args), timeoutMs);
}

function beforeTheCall(cause: unknown): never {
  throw new BeforeTheCall('', { cause });
}
