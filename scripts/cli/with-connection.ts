import { type Connection, createConnection } from 'mysql2/promise';
import type { Context } from './context';
import { connectionOptions, type DatabaseOptions } from './database-options';

/** Connects as the options say, does the work, and lets go. */
export async function withConnection<T>(
  options: DatabaseOptions,
  context: Context,
  work: (db: Connection) => Promise<T>,
): Promise<T> {
  const db = await createConnection(connectionOptions(options, context));
  try {
    return await work(db);
  } finally {
    db.destroy();
  }
}
