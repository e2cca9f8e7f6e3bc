import {
  type Connection,
  type ConnectionOptions,
  createConnection,
  type RowDataPacket,
} from 'mysql2/promise';
import { Refusal } from './errors';

/** The database to deploy to: a URL (mysql://user:password@host:port/database) or mysql2's options. */
export type Target = string | ConnectionOptions;

/** Somebody's open transaction makes DDL wait, and DDL that waits makes everybody else wait: so not for long. */
export const LOCK_WAIT_SECONDS = 5;

/** What routines keep of the session that makes them, and what lets statements mean the same for everyone. */
export const SQL_MODE = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION';
export const COLLATION = 'utf8mb4_0900_ai_ci';
export const TIME_ZONE = '+00:00';

export function sessionStatements(lockWaitSeconds = LOCK_WAIT_SECONDS): string[] {
  return [
    `SET NAMES utf8mb4 COLLATE ${COLLATION}`,
    `SET SESSION sql_mode = '${SQL_MODE}', SESSION time_zone = '${TIME_ZONE}', SESSION autocommit = 1,\n` +
      `    SESSION sql_safe_updates = 0, SESSION group_concat_max_len = 1048576,\n` +
      `    SESSION lock_wait_timeout = ${lockWaitSeconds}`,
  ];
}

/** Opens the one connection of a deployment. Throws mysql2's errors, or a Refusal when no database is named. */
export async function openSession(target: Target, lockWaitSeconds?: number): Promise<Connection> {
  const db = await createConnection({
    ...(typeof target === 'string' ? { uri: target } : target),
    // IGNORE_SPACE would leak into routines, FOUND_ROWS into ROW_COUNT().
    flags: ['-FOUND_ROWS', '-IGNORE_SPACE'],
    dateStrings: true,
    supportBigNumbers: true,
  });
  try {
    for (const statement of sessionStatements(lockWaitSeconds)) await db.query(statement);
    const [row] = await select<{ name: string | null }>(db, 'SELECT DATABASE() AS name');
    if (row?.name == null) {
      throw new Refusal([
        "No database is named: end the URL with the shop's, such as mysql://user@host:3306/shop",
      ]);
    }
    return db;
  } catch (error) {
    db.destroy();
    throw error;
  }
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
