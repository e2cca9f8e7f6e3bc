import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Connection, createConnection } from 'mysql2/promise';
import { down, readSource, type Source, up } from '../migrate';
import { splitStatements } from '../migrate/split';
import { SHOP_TABLES } from '../migrate/tables';
import { createShopTables, loadExampleShop } from '../shop';
import type { Mix } from '../shop/mix';
import type { BenchServer } from './server';

/** The shop's clock in every shop of the bench. */
export const CLOCK = '+00:00';

/** A shop in a database of its own, with the engine deployed and its event off. */
export interface BenchShop {
  readonly name: string;
  readonly db: Connection;
  /** A connection as an application has one. */
  connect(): Promise<Connection>;
  /** Empties the shop and the journal, and loads orders: the same ones each time. */
  refill(orders: number, mix: Mix): Promise<void>;
  /** Runs a file of sql/. */
  run(file: string): Promise<void>;
  drop(): Promise<void>;
}

const JOURNAL_TABLES = [
  'order_timeout_batch',
  'order_timeout_cancellation',
  'order_timeout_refund',
  'order_timeout_run',
  'order_timeout_failure',
  'order_timeout_hold',
];

export async function createShop(server: BenchServer, name: string): Promise<BenchShop> {
  const database = `order_timeout_bench_${name}`;
  await server.admin.query('DROP DATABASE IF EXISTS ??', [database]);
  await server.admin.query('CREATE DATABASE ?? DEFAULT CHARACTER SET utf8mb4', [database]);
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  const connect = () => createConnection({ uri: url.href, timezone: 'Z', supportBigNumbers: true });
  const db = await connect();
  const connections = [db];

  await server.relaxed(async () => {
    await createShopTables(db);
    await up(url.href, { clock: CLOCK, source: withEventOff(await readSource()) });
  });
  return {
    name: database,
    db,
    connect: async () => {
      const connection = await connect();
      connections.push(connection);
      return connection;
    },
    refill: (orders, mix) => server.relaxed(() => refill(db, orders, mix)),
    run: (file) => server.relaxed(() => runFile(db, file)),
    drop: async () => {
      for (const connection of connections) connection.destroy();
      // Takes the definer account along when no other schema uses it.
      if (server.source === 'given') await down(url.href, { dropJournal: true });
      await server.admin.query('DROP DATABASE ??', [database]);
    },
  };
}

/** An event fires once when it is created, so it has to be off from its first moment. */
function withEventOff(source: Source): Source {
  const objects = source.objects.map((object) =>
    object.kind === 'event'
      ? { ...object, text: object.text.replace(/^ *ENABLE$/m, '    DISABLE') }
      : object,
  );
  return { ...source, objects };
}

async function refill(db: Connection, orders: number, mix: Mix): Promise<void> {
  for (const table of [...SHOP_TABLES, ...JOURNAL_TABLES])
    await db.query(`TRUNCATE TABLE ${table}`);
  await db.query('SET SESSION sql_log_bin = 0');
  try {
    await loadExampleShop(db, { orders, mix, incidents: 'none', clock: CLOCK });
  } finally {
    await db.query('SET SESSION sql_log_bin = 1');
  }
  await db.query(`ANALYZE NO_WRITE_TO_BINLOG TABLE ${SHOP_TABLES.join(', ')}`);
}

async function runFile(db: Connection, file: string): Promise<void> {
  const text = await readFile(join(__dirname, 'sql', file), 'utf8');
  for (const { sql } of splitStatements(text)) await db.query(sql);
}
