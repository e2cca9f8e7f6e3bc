import { type Connection, createConnection } from 'mysql2/promise';

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
