import type { Connection, Pool } from 'mysql2/promise';
import { OrderTimeoutError } from './errors';

/**
 * Where a procedure is called: a promise `Pool` or `Connection` of mysql2, connected to the shop's
 * database. A connection with an open transaction (or with autocommit off) is joined: nothing is
 * committed, and its COMMIT or ROLLBACK decides.
 */
export type Database = Pool | Connection;

export function isPool(db: Database): db is Pool {
  return 'getConnection' in db;
}

/** Throws INVALID_ARGUMENT for what has no promises. */
export function requireDatabase(db: Database): void {
  // Callers in JavaScript may hand in anything.
  const given = db as { query?: unknown; promise?: unknown } | null | undefined;
  if (typeof given?.query === 'function' && typeof given.promise !== 'function') return;
  throw new OrderTimeoutError(
    'INVALID_ARGUMENT',
    "db must be a Pool or a Connection of 'mysql2/promise'; of one of 'mysql2', give db.promise().",
  );
}
