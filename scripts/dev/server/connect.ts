import { type Connection, createConnection } from 'mysql2/promise';

export type Source = 'given' | 'container' | 'private';

export interface MysqlServer {
  readonly source: Source;
  /** One line that says which it is: "MySQL 9.7.4, a private mysqld from Debian's packages". */
  readonly description: string;
  /** `mysql://root:…@127.0.0.1:port`, without a database. The user may do everything. */
  readonly url: string;
  /** Stops it and leaves nothing behind. Idempotent; a given server is left alone. */
  stop(): Promise<void>;
}

/** Connects, asks one thing of the server, and lets go. */
export async function ask<T>(url: string, question: (db: Connection) => Promise<T>): Promise<T> {
  const db = await createConnection({ uri: url, connectTimeout: 10_000 });
  try {
    return await question(db);
  } finally {
    db.destroy();
  }
}

export interface ServerIdentity {
  readonly version: string;
  readonly isMariadb: boolean;
}

export function identify(url: string): Promise<ServerIdentity> {
  return ask(url, async (db) => {
    const [rows] = await db.query('SELECT VERSION() AS version, @@version_comment AS comment');
    const [row] = rows as { version: string; comment: string }[];
    const { version, comment } = row ?? { version: '', comment: '' };
    return { version, isMariadb: /mariadb/i.test(`${version} ${comment}`) };
  });
}
