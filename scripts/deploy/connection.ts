import {
  type Connection,
  type ConnectionOptions,
  createConnection,
  type RowDataPacket,
} from 'mysql2/promise';
import { mistake, Refusal } from './errors';

/** The database to deploy to: a URL (mysql://user:password@host:port/database) or mysql2's options. */
export type Target = string | ConnectionOptions;

/** Somebody's open transaction makes DDL wait, and DDL that waits makes everybody else wait: so not for long. */
export const LOCK_WAIT_SECONDS = 1;

/** The statement that lets an account without SUPER create functions while binary logging is on. */
export const TRUST_FUNCTIONS = 'SET GLOBAL log_bin_trust_function_creators = 1';

/** What routines keep of the session that makes them. */
const SQL_MODE = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION';
const COLLATION = 'utf8mb4_0900_ai_ci';

/** What every session of ours depends on, whatever the server's defaults and its init_connect say. */
export function sessionStatements(): string[] {
  const settings = {
    autocommit: 1,
    sql_mode: `'${SQL_MODE}'`,
    time_zone: "'+00:00'",
    transaction_isolation: "'REPEATABLE-READ'",
    transaction_read_only: 0,
    completion_type: "'NO_CHAIN'",
    foreign_key_checks: 1,
    sql_safe_updates: 0,
    // DEFAULT would be the server's.
    sql_select_limit: '18446744073709551615',
    sql_big_selects: 1,
    div_precision_increment: 4,
    max_execution_time: 0,
    group_concat_max_len: 1_048_576,
    innodb_lock_wait_timeout: 50,
    lock_wait_timeout: LOCK_WAIT_SECONDS,
  };
  const assignments = Object.entries(settings).map(([name, value]) => `SESSION ${name} = ${value}`);
  return [`SET NAMES utf8mb4 COLLATE ${COLLATION}`, `SET ${assignments.join(',\n    ')}`];
}

/** Opens a connection with such a session. Throws mysql2's errors, or a Refusal when no database is named. */
export async function openSession(target: Target): Promise<Connection> {
  const db = await createConnection({
    ...(typeof target === 'string' ? { uri: target } : target),
    // IGNORE_SPACE would leak into routines, FOUND_ROWS into ROW_COUNT().
    flags: ['-FOUND_ROWS', '-IGNORE_SPACE'],
    dateStrings: true,
    supportBigNumbers: true,
  });
  try {
    // An init_connect may have begun a transaction, which nobody would commit.
    for (const statement of ['ROLLBACK AND NO CHAIN NO RELEASE', ...sessionStatements()])
      await db.query(statement);
    const [row] = await select<{ name: string | null }>(db, 'SELECT DATABASE() AS name');
    if (row?.name == null) {
      const remedy = "end the URL with the shop's, such as mysql://user@host:3306/shop";
      throw new Refusal([mistake('database', 'No database is named', remedy)]);
    }
    return db;
  } catch (error) {
    db.destroy();
    throw error;
  }
}

/** Opens such a session, works with it, and lets it go. */
export async function withSession<T>(
  target: Target,
  work: (db: Connection) => Promise<T>,
): Promise<T> {
  const db = await openSession(target);
  try {
    return await work(db);
  } finally {
    db.destroy();
  }
}

/** The values of a query for one column, or one row; they are text. */
export async function selectColumn(
  ...query: Parameters<typeof select<Record<string, string>>>
): Promise<string[]> {
  const rows = await select<Record<string, string>>(...query);
  return rows.flatMap((row) => Object.values(row));
}

/** Runs a query and returns its rows. The row's type is the caller's word. */
export async function select<Row>(
  db: Connection,
  sql: string,
  values: readonly (string | number | readonly string[])[] = [],
): Promise<Row[]> {
  const [rows] = await db.query<RowDataPacket[]>(sql, [...values]);
  return rows as unknown as Row[];
}
