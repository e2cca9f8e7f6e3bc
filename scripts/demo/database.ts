import { randomBytes } from 'node:crypto';
import { type Connection, createConnection } from 'mysql2/promise';
import { down } from '../migrate';
import type { MysqlServer } from '../server';

export interface DemoDatabase {
  readonly name: string;
  /** With the database. */
  readonly url: string;
  connect(): Promise<Connection>;
  /** Removes the deployment and the database, and the server where it is ours. */
  dispose(): Promise<void>;
}

/** An empty database of its own, so that nothing on a server that somebody gave is touched. */
export async function createDemoDatabase(server: MysqlServer): Promise<DemoDatabase> {
  const name =
    server.source === 'given' ? `order_timeout_demo_${randomBytes(4).toString('hex')}` : 'shop';
  await ask(server.url, 'CREATE DATABASE ?? DEFAULT CHARACTER SET utf8mb4', name);
  const url = new URL(server.url);
  url.pathname = `/${name}`;

  return {
    name,
    url: url.href,
    connect: () => createConnection(url.href),
    dispose: async () => {
      if (server.source === 'given') {
        try {
          // With it goes the definer account, which is the server's and not the database's.
          await down(url.href, { dropJournal: true });
        } finally {
          await ask(server.url, 'DROP DATABASE IF EXISTS ??', name);
        }
      }
      await server.stop();
    },
  };
}

async function ask(url: string, sql: string, name: string): Promise<void> {
  const db = await createConnection(url);
  try {
    await db.query(sql, [name]);
  } finally {
    db.destroy();
  }
}
