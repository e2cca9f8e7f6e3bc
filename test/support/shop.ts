import {
  type Connection,
  type ConnectionOptions,
  createConnection,
  createPool,
  type Pool,
  type PoolConnection,
  type PoolOptions,
  type RowDataPacket,
} from 'mysql2/promise';
import { inject, onTestFinished } from 'vitest';
import { type PrivateMysqld, type Settings, startPrivateMysqld } from '../../scripts/dev/server';
import { createShopTables } from '../../scripts/dev/shop';
import { deployEngine } from './deploy';
import { accountName, databaseName, dropDatabase } from './run';

export interface ShopOptions {
  /** Without the engine: the shop's six tables only. Default: true. */
  readonly deploy?: boolean;
  /** The UTC offset in which the shop writes its DATETIMEs. Default: +00:00. */
  readonly clock?: string;
  /** Leaves the event on. By default it is off, so that nothing happens but what the test does. */
  readonly event?: boolean;
  /** Makes a variant of test/shops/built-in/schema.sql, see schema-variants.ts. */
  readonly schema?: (sql: string) => string;
  /** On a server of its own, which has these and goes with it. */
  readonly settings?: Settings;
}

/** A shop in a database of its own, given up when the test (or the file) that made it ends. */
export interface Shop {
  readonly name: string;
  /** With the database; its user may do everything. */
  readonly url: string;
  readonly clock: string;
  readonly isDeployed: boolean;
  readonly db: Pool;
  /** Its own, when it has one. */
  readonly server: PrivateMysqld | undefined;
  /** One connection, closed with the shop. */
  connect(options?: ConnectionOptions): Promise<Connection>;
  /** A statement of the test itself, in the shop's clock. BIGINTs beyond 2^53 come as strings. */
  run<Row extends object = Record<string, unknown>>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<Row[]>;
  /** The first column of such a statement's rows. */
  column(sql: string, values?: readonly unknown[]): Promise<unknown[]>;
  /** A new account with these privileges, such as "EXECUTE ON PROCEDURE cancel_expired_order"; its URL. */
  createAccount(...privileges: string[]): Promise<string>;
  /** Numbers of their own for each kind, so that an order's id is never a coupon's. */
  nextId(kind: IdKind): number;
  drop(): Promise<void>;
}

const FIRST_ID = { order: 10_001, coupon: 20_001, points: 30_001, user: 90_001 };
type IdKind = keyof typeof FIRST_ID;

let made = 0;
const shopsOfFile: Shop[] = [];

export async function createShop(options: ShopOptions = {}): Promise<Shop> {
  const shop = await openShop(options);
  try {
    onTestFinished(() => shop.drop());
  } catch {
    shopsOfFile.push(shop); // Made outside a test, as in beforeAll.
  }
  const { deploy = true, event = false, schema } = options;
  try {
    await createShopTables(await shop.connect(), schema);
    if (deploy) await deployEngine(shop.url, { clock: shop.clock, event });
  } catch (error) {
    await shop.drop();
    throw error;
  }
  return shop;
}

export async function dropShopsOfFile(): Promise<void> {
  for (const shop of shopsOfFile.splice(0)) await shop.drop();
}

async function openShop({ clock = '+00:00', deploy = true, settings }: ShopOptions): Promise<Shop> {
  const server = settings && (await startPrivateMysqld({ settings }));
  const serverUrl = new URL(server?.url ?? inject('mysqlUrl'));
  const runId = inject('runId');
  const suffix = `${process.pid}_${++made}`;
  const own = await createConnection({
    uri: serverUrl.href,
    supportBigNumbers: true,
    timezone: 'Z',
  });
  // A server that a test has killed is no error of the test.
  own.on('error', () => undefined);
  const name = databaseName(runId, suffix);
  await own.query('CREATE DATABASE ?? DEFAULT CHARACTER SET utf8mb4', [name]);
  await own.query('USE ??', [name]);
  await own.query('SET time_zone = ?', [clock]);

  const url = withDatabase(serverUrl, name);
  const db = createPool({ uri: url, connectionLimit: 5 });
  const connections: Connection[] = [];
  const accounts: string[] = [];
  const ids = { ...FIRST_ID };
  let isDropped = false;
  const run = async <Row extends object>(sql: string, values: readonly unknown[] = []) => {
    const [rows] = await own.query<RowDataPacket[]>(sql, [...values]);
    return rows as unknown as Row[];
  };

  return {
    name,
    url,
    clock,
    isDeployed: deploy,
    db,
    server,
    connect: async (options = {}) => {
      const connection = await createConnection({ uri: url, ...options });
      // Nor is a connection.
      connection.on('error', () => undefined);
      connections.push(connection);
      return connection;
    },
    run,
    column: async (sql, values) =>
      (await run<Record<string, unknown>>(sql, values)).map((row) => Object.values(row)[0]),
    createAccount: async (...privileges) => {
      const account = accountName(runId, `${suffix}_${accounts.length}`);
      accounts.push(account);
      await own.query("CREATE USER ? IDENTIFIED BY 'secret'", [account]);
      for (const privilege of privileges) await own.query(`GRANT ${privilege} TO ?`, [account]);
      const accountUrl = new URL(url);
      accountUrl.username = account;
      accountUrl.password = 'secret';
      return accountUrl.href;
    },
    nextId: (kind) => ids[kind]++,
    drop: async () => {
      if (isDropped) return;
      isDropped = true;
      for (const connection of connections) connection.destroy();
      await db.end().catch(() => undefined);
      own.destroy();
      if (server !== undefined) return server.stop();
      // From a session that no test has touched.
      const last = await createConnection(serverUrl.href);
      for (const account of accounts) await last.query('DROP USER IF EXISTS ?', [account]);
      await dropDatabase(last, name);
      last.destroy();
    },
  };
}

/** A pool that ends with the test. */
export function openPool(uri: string, options: PoolOptions = {}): Pool {
  const pool = createPool({ uri, connectionLimit: 1, ...options });
  pool.on('connection', (connection: PoolConnection) => {
    connection.on('error', () => undefined);
  });
  onTestFinished(() => pool.end());
  return pool;
}

function withDatabase(serverUrl: URL, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
