import type { Argument } from './arguments';
import { callStatement, milliseconds, noOption } from './arguments';
import type { TextRow } from './columns';
import {
  type Database,
  type DatabaseConnection,
  type DatabasePool,
  isPool,
  notADatabase,
  type QueryOptions,
  requireDatabase,
} from './database';
import { OrderTimeoutError, OutcomeUnknownError, serverErrno, translated } from './errors';
import { retrying } from './pause';

export interface CallOptions {
  /**
   * Waits no longer than this many milliseconds for the answer, tries and the pool's free connection
   * included; then the outcome is unknown. MySQL waits no longer for a lock either (whole seconds, at least one), after which it has
   * done nothing: error 1205. The session's own settings are put back. Default: as long as it
   * takes. INVALID_ARGUMENT for none that a timer knows: 0 or less, over 2147483647; nothing is called then.
   */
  readonly timeoutMs?: number | undefined;
}

/**
 * Calls one procedure. Deadlocks, lock waits, ROW_GONE and a routine that is being deployed anew are tried again
 * where the transaction is ours: on a pool, or on a connection that has none open.
 */
export async function call(
  db: Database,
  procedure: string,
  args: readonly Argument[],
  { timeoutMs, ...others }: CallOptions = {},
): Promise<readonly TextRow[]> {
  requireDatabase(db);
  // In JavaScript a remark may come without its name, or with a wrong one: it would be lost.
  const [other] = Object.keys(others);
  if (other !== undefined) throw noOption(procedure, other);
  const statement = callStatement(procedure, args);
  const deadline =
    timeoutMs === undefined ? undefined : Date.now() + milliseconds('timeoutMs', timeoutMs);
  try {
    if (isPool(db)) return await withRetries(deadline, () => onPool(db, statement, deadline));
    await requireAnswers(db, deadline);
    return await onConnection(db, statement, deadline);
  } catch (error) {
    throw error instanceof BeforeTheCall ? error.cause : translated(error);
  }
}

/** Nothing was called yet, so the outcome is known, whatever the error is. */
class BeforeTheCall extends Error {}

function beforeTheCall(cause: unknown): never {
  throw new BeforeTheCall('', { cause });
}

async function onPool(pool: DatabasePool, statement: string, deadline: number | undefined) {
  const connection = await cleanConnection(pool, deadline);
  let isReusable = false;
  try {
    if (deadline !== undefined)
      await ask(connection, limitWaits(deadline), deadline).catch(beforeTheCall);
    const answer = await ask(connection, statement, deadline);
    // Ours alone, as the connection was clean: autocommit is off in this pool.
    if (waitsForCommit(answer.serverStatus))
      await ask(connection, 'COMMIT AND NO CHAIN NO RELEASE', deadline);
    isReusable = await restoreWaits(connection, deadline);
    return answer.rows;
  } catch (error) {
    // Our own errors come before any work: nothing is left. After others, who knows.
    const ours = translated(error);
    isReusable =
      deadline === undefined && ours instanceof OrderTimeoutError && ours.errno !== undefined;
    throw error;
  } finally {
    if (isReusable) connection.release();
    else connection.destroy();
  }
}

const STALE_CONNECTIONS_AT_MOST = 20;
/** Whatever completion_type the session has. */
const ROLLBACK = 'ROLLBACK AND NO CHAIN NO RELEASE';

/** One that lives, and has nothing open: what an earlier user of it began and forgot is not ours to commit. */
async function cleanConnection(pool: DatabasePool, deadline: number | undefined) {
  for (let stale = 0; ; stale++) {
    const connection = await takeConnection(pool, deadline).catch(beforeTheCall);
    const answer = await ask(connection, ROLLBACK, deadline).catch((error: unknown) => {
      connection.destroy();
      if (stale === STALE_CONNECTIONS_AT_MOST || error instanceof OrderTimeoutError) {
        beforeTheCall(error);
      }
    });
    if (answer !== undefined) return connection;
  }
}

async function takeConnection(pool: DatabasePool, deadline: number | undefined) {
  const taken = pool.getConnection();
  const connection = await inTime(deadline, taken).catch((error: unknown) => {
    // One that comes later is nobody's.
    void taken.then(
      (late) => {
        late.release();
      },
      () => undefined,
    );
    throw error;
  });
  requireDatabase(connection);
  return connection;
}

async function onConnection(
  connection: DatabaseConnection,
  statement: string,
  deadline: number | undefined,
) {
  let isJoined = true;
  const once = async () => {
    // All are queued at once, so that nothing of the caller's can come between them.
    const probe = ask(connection, deadline === undefined ? 'DO 0' : limitWaits(deadline), deadline);
    const sent = ask(connection, statement, deadline);
    const restored = restoreWaits(connection, deadline);
    sent.catch(() => undefined);
    isJoined = await probe.then(
      ({ serverStatus }) => waitsForCommit(serverStatus),
      // Without a connection the call was never sent. Else it was, perhaps in a transaction.
      (error: unknown) => (serverErrno(error) === undefined ? beforeTheCall(error) : true),
    );
    const answer = await sent.catch(async (error: unknown) => {
      // A killed sweep may leave its locks in a transaction, which is ours where there was none.
      if (!isJoined && serverErrno(error) !== undefined) await ask(connection, ROLLBACK);
      throw error;
    });
    await restored;
    return answer.rows;
  };
  return await withRetries(deadline, once, () => !isJoined);
}

const ANSWERED = new WeakSet();

/** What looks like a connection is asked something harmless first, once: it must answer as mysql2 does. */
async function requireAnswers(connection: DatabaseConnection, deadline: number | undefined) {
  if (ANSWERED.has(connection)) return;
  await ask(connection, 'DO 0', deadline).catch(beforeTheCall);
  ANSWERED.add(connection);
}

/** Runs a statement that ends with an OK packet: all but a bare SELECT. */
async function ask(connection: DatabaseConnection, sql: string, deadline?: number) {
  const answer: unknown = await inTime(deadline, connection.query({ ...AS_TEXT, sql }));
  const [result] = Array.isArray(answer) ? (answer as unknown[]) : [];
  const header: unknown = Array.isArray(result) ? result.at(-1) : result;
  const rows: unknown = Array.isArray(result) ? result[0] : [];
  if (typeof header !== 'object' || header === null || !('serverStatus' in header)) {
    throw notADatabase();
  }
  return { rows: rows as TextRow[], serverStatus: Number(header.serverStatus) };
}

/**
 * What is there in time. The work itself goes on. mysql2's own timeout begins when a statement is sent, which may
 * be long after the call: behind others of its connection.
 */
async function inTime<Result>(deadline: number | undefined, work: Promise<Result>) {
  if (deadline === undefined) return work;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const cause = Object.assign(new Error('timeoutMs is over'), { code: TIMED_OUT });
      reject(new OutcomeUnknownError(cause));
    }, deadline - Date.now());
  });
  return Promise.race([work, late]).finally(() => {
    clearTimeout(timer);
  });
}

/** As mysql2 calls it. */
const TIMED_OUT = 'PROTOCOL_SEQUENCE_TIMEOUT';

const AS_TEXT: Omit<QueryOptions, 'sql'> = {
  rowsAsArray: false,
  nestTables: false,
  namedPlaceholders: false,
  // Text comes in the connection's character set, as mysql2 knows; JSON always in UTF-8, which it warns of when asked for 'utf8'.
  typeCast: (field) => (field.type === 'JSON' ? field.string('utf-8') : field.string()),
};

const IN_TRANSACTION = 0x0001;
const AUTOCOMMIT = 0x0002;

/** Whether what was done, or is done next, waits for somebody's COMMIT. */
function waitsForCommit(serverStatus: number): boolean {
  return (serverStatus & IN_TRANSACTION) !== 0 || (serverStatus & AUTOCOMMIT) === 0;
}

/**
 * Two seconds less than the caller waits, so that mostly MySQL's own answer comes, and says: not done. InnoDB looks
 * once a second for waits that are over, so one may last a second longer.
 */
function limitWaits(deadline: number): string {
  const seconds = Math.max(1, Math.ceil((deadline - Date.now()) / 1000) - 2);
  return (
    'SET @order_timeout_row_wait = @@SESSION.innodb_lock_wait_timeout, ' +
    '@order_timeout_ddl_wait = @@SESSION.lock_wait_timeout, ' +
    `SESSION innodb_lock_wait_timeout = CAST(LEAST(@@SESSION.innodb_lock_wait_timeout, ${seconds}) AS UNSIGNED), ` +
    `SESSION lock_wait_timeout = CAST(LEAST(@@SESSION.lock_wait_timeout, ${seconds}) AS UNSIGNED)`
  );
}

const RESTORE_WAITS =
  'SET SESSION innodb_lock_wait_timeout = @order_timeout_row_wait, ' +
  'SESSION lock_wait_timeout = @order_timeout_ddl_wait, ' +
  '@order_timeout_row_wait = NULL, @order_timeout_ddl_wait = NULL';

/**
 * Whether the session has its own settings again. What was done is done, whatever came of them after it, as behind a
 * proxy that resets sessions.
 */
const restoreWaits = async (connection: DatabaseConnection, deadline: number | undefined) =>
  deadline === undefined ||
  ask(connection, RESTORE_WAITS, deadline).then(
    () => true,
    () => false,
  );

/** How often a call is tried again, by the error of MySQL. */
const RETRIES: Readonly<Record<number, number>> = {
  1213: 6, // A deadlock.
  1205: 1, // A lock wait that timed out: this has already waited long.
  50009: 1, // A row went between the claim and the gift, and all was undone: now it is seen to be gone.
  1305: 6, // The routine does not exist: it is being deployed anew.
  1318: 6, // Wrong number of arguments: one routine is of the new version, another not yet.
};
const FIRST_PAUSE_MS = 20;

/** Milliseconds before the next try; undefined: no next try. `random`: 0 to 1. */
export function pauseBeforeRetry(error: unknown, retry: number, random: number) {
  if (retry >= (RETRIES[serverErrno(error) ?? 0] ?? 0)) return undefined;
  // Half of it is chance, so that two that met once don't meet again.
  return FIRST_PAUSE_MS * 2 ** retry * (0.5 + random / 2);
}

/** Does work again as often as its errors are worth it. `isOurs`: asked after an error. */
function withRetries<Result>(
  deadline: number | undefined,
  work: () => Promise<Result>,
  isOurs: () => boolean = () => true,
): Promise<Result> {
  return retrying(work, (error, retry) => {
    const pauseMs = isOurs() ? pauseBeforeRetry(error, retry, Math.random()) : undefined;
    const isLate =
      deadline !== undefined &&
      (serverErrno(error) === 1205 || Date.now() + (pauseMs ?? 0) >= deadline);
    return isLate ? undefined : pauseMs;
  });
}
