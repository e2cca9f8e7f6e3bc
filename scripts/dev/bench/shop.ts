import { type Connection, createConnection } from 'mysql2/promise';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { down, readSource, up } from '../../deploy';
import { splitStatements } from '../../deploy/text';
import { type MysqlServer, startServer } from '../server';
import { createShopTables, type Example, loadExampleShop, type Mix, shopFileOf } from '../shop';
import { withEventOff } from '../sources';
import { type Cost, costOf, select } from './measure';
import type { Sizes } from './options';

/** What the parts of the bench work with. */
export interface Bench {
  readonly sizes: Sizes;
  readonly server: string;
  /** A session for the bench's own questions, without a database. */
  readonly admin: Connection;
  /** Takes a line for the person who waits. */
  readonly progress: (line: string) => void;
  /** A shop by name, made when it is first asked for; with the built-in tables unless it says otherwise. */
  readonly shop: (name: string, example?: Example) => Promise<BenchShop>;
  readonly close: () => Promise<void>;
}

/** A shop in a database of its own, with the engine deployed and its event off. */
export interface BenchShop {
  readonly name: string;
  readonly db: Connection;
  readonly connect: () => Promise<Connection>;
  /** Empties the shop and the journal, and loads orders: the same ones each time. */
  readonly refill: (orders: number, mix: Mix) => Promise<void>;
  /** Runs a file of sql/. */
  readonly run: (file: string) => Promise<void>;
  /** Does work with commits that wait for no disk. Somebody's server stays as it is. */
  readonly relaxed: (work: () => Promise<unknown>) => Promise<void>;
  readonly drop: () => Promise<void>;
}

export const DUE_ONLY: Mix = { due: 1 };
const CLOCK = '+00:00';

/** Room enough for the largest shop here. What makes a commit durable is as MySQL ships it. */
const ROOM = {
  'innodb-buffer-pool-size': '3G',
  'innodb-redo-log-capacity': '2G',
  'performance-schema-events-statements-history-long-size': '200000',
};

/** The sweep looks at each old order once more; of orders that were loaded at once that is not what is measured. */
const LOOKED_AT = `UPDATE order_timeout_heartbeat
     SET reconciled_order_id = (SELECT MAX(order_id) FROM order_timeout_shop_order),
         reconciled_again_order_id = reconciled_order_id`;

const CONSUMERS = ['events_statements_cpu', 'events_statements_history_long'];
const COUNTERS = ['module_icp', 'lock_deadlocks', 'lock_timeouts', 'lock_row_lock_waits'];

export async function openBench(sizes: Sizes, progress: (line: string) => void): Promise<Bench> {
  const server = await startServer({ log: progress, settings: ROOM });
  const admin = await createConnection({ uri: server.url });
  const consumers = await select<{ name: string; enabled: string }>(
    admin,
    'SELECT name, enabled FROM performance_schema.setup_consumers WHERE name IN (?)',
    [CONSUMERS],
  );
  const enable = (name: string, enabled: string) =>
    admin.query('UPDATE performance_schema.setup_consumers SET enabled = ? WHERE name = ?', [
      enabled,
      name,
    ]);
  await enable('events_statements_cpu', 'YES');
  for (const counter of COUNTERS)
    await admin.query('SET GLOBAL innodb_monitor_enable = ?', [counter]);

  const shops = new Map<string, BenchShop>();
  return {
    sizes,
    server: server.description,
    admin,
    progress,
    shop: async (name, example = 'built-in') => {
      const shop =
        shops.get(name) ?? (await createShop(server, admin, name, example, sizes.batchSize));
      shops.set(name, shop);
      return shop;
    },
    close: async () => {
      for (const shop of shops.values()) await shop.drop();
      for (const { name, enabled } of consumers) await enable(name, enabled);
      await admin.end();
      await server.stop();
    },
  };
}

async function createShop(
  server: MysqlServer,
  admin: Connection,
  name: string,
  example: Example,
  batchSize: number | undefined,
): Promise<BenchShop> {
  const database = `order_timeout_bench_${name}`;
  await admin.query('DROP DATABASE IF EXISTS ??', [database]);
  await admin.query('CREATE DATABASE ?? DEFAULT CHARACTER SET utf8mb4', [database]);
  const url = new URL(server.url);
  url.pathname = `/${database}`;
  const connections: Connection[] = [];
  const connect = async () => {
    const made = await createConnection({ uri: url.href, timezone: 'Z', supportBigNumbers: true });
    connections.push(made);
    return made;
  };
  const db = await connect();

  const relaxed = async (work: () => Promise<unknown>) => {
    const durability = (value: string) =>
      server.source === 'given'
        ? undefined
        : admin.query(
            `SET GLOBAL innodb_flush_log_at_trx_commit = ${value}, GLOBAL sync_binlog = ${value}`,
          );
    await durability('0');
    try {
      await work();
    } finally {
      await durability('DEFAULT');
    }
  };

  await relaxed(async () => {
    await createShopTables(db, undefined, example);
    await up(url.href, {
      clock: CLOCK,
      shop: shopFileOf(example),
      source: withEventOff(readSource()),
    });
  });
  if (batchSize !== undefined)
    await db.query('UPDATE order_timeout_setting SET batch_size = ?', [batchSize]);
  const emptied = await tablesWithMovingRows(db);
  return {
    name: database,
    db,
    connect,
    relaxed,
    refill: (orders, mix) =>
      relaxed(async () => {
        for (const table of emptied) await db.query('TRUNCATE TABLE ??', [table]);
        await db.query('SET SESSION sql_log_bin = 0');
        await loadExampleShop(db, { example, orders, mix, incidents: 'none', clock: CLOCK });
        await db.query('SET SESSION sql_log_bin = 1');
        await db.query('ANALYZE NO_WRITE_TO_BINLOG TABLE ??', [emptied]);
        await db.query(LOOKED_AT);
      }),
    run: (file) =>
      relaxed(async () => {
        const text = await readFile(join(__dirname, 'sql', file), 'utf8');
        for (const statement of splitStatements(text)) await db.query(statement);
      }),
    drop: async () => {
      for (const connection of connections) connection.destroy();
      // Takes the definer account along when no other schema uses it.
      if (server.source === 'given') await down(url.href, { dropJournal: true });
      await admin.query('DROP DATABASE ??', [database]);
    },
  };
}

/** The tables that are empty in a new shop: its own and the journal. */
async function tablesWithMovingRows(db: Connection): Promise<string[]> {
  const tables = await select<{ name: string }>(
    db,
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
  );
  const empty: string[] = [];
  for (const { name } of tables) {
    const rows = await select<object>(db, 'SELECT 1 FROM ?? LIMIT 1', [name]);
    if (rows.length === 0) empty.push(name);
  }
  return empty;
}

interface SweepRow {
  readonly outcome: string;
  readonly cancelled: number;
  readonly failed: number;
}

export async function sweep(db: Connection): Promise<SweepRow> {
  const [row] = (await select<SweepRow[]>(db, 'CALL cancel_expired_orders()'))[0] ?? [];
  if (row === undefined) throw new Error('cancel_expired_orders() returned no row');
  return row;
}

/** Calls the sweep until nothing is left: each call has a time budget. Throws an Error when an order fails. */
export async function sweepAll(db: Connection): Promise<void> {
  for (;;) {
    const row = await sweep(db);
    if (row.failed > 0) throw new Error(`${row.failed} orders failed, see order_timeout_failure`);
    if (row.outcome === 'completed') return;
    if (row.outcome !== 'out_of_time') {
      throw new Error(`The sweep must complete or run out of time, but was ${row.outcome}`);
    }
  }
}

/** What this costs for 1,000 of so many orders. Default: a sweep of them all. */
export async function timed(
  { admin, progress }: Bench,
  what: string,
  { db }: BenchShop,
  orders: number,
  work: () => Promise<unknown> = () => sweepAll(db),
): Promise<Cost> {
  const { wall, cpu } = await costOf(admin, db, work);
  const speed = Math.round((orders / wall) * 1000);
  progress(`${what}, ${orders} orders: ${speed}/s, CPU ${Math.round(cpu)} ms`);
  return { wall: (wall / orders) * 1000, cpu: (cpu / orders) * 1000 };
}
