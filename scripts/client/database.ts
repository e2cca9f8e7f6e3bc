import { OrderTimeoutError } from './errors';

/**
 * What is used of a mysql2 promise connection, of any version from 2.3 on. It must be connected to the
 * shop's database. One with an open transaction (or with autocommit off) is joined: nothing is
 * committed, and its COMMIT or ROLLBACK decides.
 */
export interface DatabaseConnection {
  query(options: QueryOptions): Promise<[unknown, unknown]>;
}

/** What is used of a mysql2 promise pool: each call takes a connection of its own, and gives it back. */
export interface DatabasePool {
  getConnection(): Promise<PooledConnection>;
}

export interface PooledConnection extends DatabaseConnection {
  release(): void;
  destroy(): void;
}

/** Where a procedure is called: a promise `Pool` or `Connection` of mysql2. For an ORM's, see docs/orm.md. */
export type Database = DatabasePool | DatabaseConnection;

/** Of mysql2's own options those that we set, over whatever the connection is configured with. */
export interface QueryOptions {
  sql: string;
  rowsAsArray?: boolean;
  nestTables?: boolean;
  namedPlaceholders?: boolean;
  typeCast?: (field: { type: string; string(encoding?: string): string | null }) => unknown;
}

export function isPool(db: Database): db is DatabasePool {
  return 'getConnection' in db;
}

/** What people hand in instead: a property that tells it, what it is, and what to hand in. */
const NOT_A_DATABASE: Readonly<Record<string, string>> = {
  promise: "a connection or pool of 'mysql2': give db.promise()",
  selectFrom: "Kysely's: give the pool or connection that its dialect was made with",
  $client: "Drizzle's: give db.$client, in a transaction tx.session.client",
  getDriver: "MikroORM's: give the connection of its transaction",
  createQueryRunner: "TypeORM's DataSource: give (await queryRunner.connect()).promise()",
  queryRunner: "TypeORM's EntityManager: give (await manager.queryRunner.connect()).promise()",
  startTransaction: "TypeORM's QueryRunner: give (await queryRunner.connect()).promise()",
  raw: 'Knex: give (await trx.client.acquireConnection()).promise()',
  getQueryInterface: 'Sequelize: give transaction.connection.promise()',
  $queryRaw: "Prisma's: give a mysql2 pool beside it",
};

/** Throws INVALID_ARGUMENT for what can't be a Pool or Connection of mysql2/promise. */
export function requireDatabase(db: unknown): void {
  const isObject = (typeof db === 'object' || typeof db === 'function') && db !== null;
  const given = (isObject ? db : {}) as Readonly<Record<string, unknown>>;
  const [, what] = Object.entries(NOT_A_DATABASE).find(([property]) => property in given) ?? [];
  const isConnection = typeof given.query === 'function' && typeof given.execute === 'function';
  const isIt = isConnection || typeof given.getConnection === 'function';
  if (what === undefined && isIt) return;
  throw notADatabase(what === undefined ? '' : ` This is ${what}.`);
}

export function notADatabase(whatInstead = ''): OrderTimeoutError {
  return new OrderTimeoutError(
    'INVALID_ARGUMENT',
    `db must be a Pool or a Connection of 'mysql2/promise'; nothing was sent.${whatInstead} ` +
      'docs/orm.md has a line for each ORM.',
  );
}
