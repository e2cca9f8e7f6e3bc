import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { type MysqlServer, type Settings, startServer } from '../server';

/** Room enough for the largest shop here. What makes a commit durable is as MySQL ships it. */
const ROOM: Settings = {
  'innodb-buffer-pool-size': '3G',
  'innodb-redo-log-capacity': '2G',
};

const DURABILITY = ['innodb_flush_log_at_trx_commit', 'sync_binlog'] as const;

export interface BenchServer extends Pick<MysqlServer, 'url' | 'description' | 'source'> {
  /** One for the bench's own questions, without a database. */
  readonly admin: Connection;
  /** Does the work with commits that wait for no disk, as for loading. Somebody's server stays as it is. */
  relaxed<T>(work: () => Promise<T>): Promise<T>;
  stop(): Promise<void>;
}

export async function startBenchServer(log: (line: string) => void): Promise<BenchServer> {
  const server = await startServer({ log, settings: ROOM });
  try {
    const admin = await createConnection({ uri: server.url });
    const isOurs = server.source !== 'given';
    return {
      source: server.source,
      description: server.description,
      url: server.url,
      admin,
      relaxed: async (work) => {
        if (!isOurs) return work();
        await admin.query(`SET ${DURABILITY.map((name) => `GLOBAL ${name} = 0`).join(', ')}`);
        try {
          return await work();
        } finally {
          await admin.query(
            `SET ${DURABILITY.map((name) => `GLOBAL ${name} = DEFAULT`).join(', ')}`,
          );
        }
      },
      stop: async () => {
        await admin.end();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** Runs a query and returns its rows. The row's type is the caller's word. */
export async function select<Row>(
  db: Connection,
  sql: string,
  values: readonly (string | number)[] = [],
): Promise<Row[]> {
  const [rows] = await db.query<RowDataPacket[]>(sql, [...values]);
  return rows as unknown as Row[];
}
