import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';

/** Names on the server: databases "order_timeout_test_<run>_<n>", accounts "test_<run>_<n>". */
export const databaseName = (runId: string, suffix: string) =>
  `order_timeout_test_${runId}_${suffix}`;
export const accountName = (runId: string, suffix: string) => `test_${runId}_${suffix}`;

const RUN_IN_NAME = /^(?:order_timeout_test|test)_([0-9a-f]{8})_/;
const lockName = (runId: string) => `order_timeout_test:${runId}`;

export interface Run {
  readonly id: string;
  /** Drops what the run has left. */
  close(): Promise<void>;
}

/** A run holds a named lock for as long as it lives, so that others can tell its things from leftovers. */
export async function openRun(url: string): Promise<Run> {
  const id = randomBytes(4).toString('hex');
  const db = await createConnection(url);
  await db.query('SET SESSION wait_timeout = 86400');
  await db.query('DO GET_LOCK(?, 0)', [lockName(id)]);
  return {
    id,
    close: async () => {
      await drop(db, (runId) => Promise.resolve(runId === id));
      await db.end();
    },
  };
}

/** Drops what runs left that were killed. Matters on a server that outlives the run. */
export async function dropLeftovers(url: string): Promise<void> {
  const db = await createConnection(url);
  try {
    await drop(db, async (runId) => {
      const [rows] = await db.query<RowDataPacket[]>('SELECT IS_FREE_LOCK(?) AS free', [
        lockName(runId),
      ]);
      return rows[0]?.free === 1;
    });
  } finally {
    db.destroy();
  }
}

async function drop(db: Connection, isOver: (runId: string) => Promise<boolean>): Promise<void> {
  const [databases] = await db.query<RowDataPacket[]>(
    'SELECT schema_name AS name FROM information_schema.schemata',
  );
  const [accounts] = await db.query<RowDataPacket[]>(
    'SELECT DISTINCT user AS name FROM mysql.user',
  );
  const belongsToOver = async ({ name }: RowDataPacket) => {
    const [, runId] = RUN_IN_NAME.exec(String(name)) ?? [];
    return runId !== undefined && (await isOver(runId));
  };
  for (const row of databases)
    if (await belongsToOver(row)) await dropDatabase(db, String(row.name));
  for (const row of accounts)
    if (await belongsToOver(row)) await db.query('DROP USER IF EXISTS ?', [row.name]);
}

/** Ends first whatever still works there, such as a test's open transaction, with the locks it holds. */
export async function dropDatabase(db: Connection, name: string): Promise<void> {
  for (;;) {
    const [sessions] = await db.query<RowDataPacket[]>(
      'SELECT id FROM performance_schema.processlist WHERE db = ? AND id <> CONNECTION_ID()',
      [name],
    );
    if (sessions.length === 0) break;
    for (const { id } of sessions) await kill(db, Number(id));
    await sleep(5);
  }
  await db.query('DROP DATABASE IF EXISTS ??', [name]);
}

/** Ends a session, unless it has ended already. */
export async function kill(db: Pick<Connection, 'query'>, threadId: number): Promise<void> {
  await db.query('KILL ?', [threadId]).catch((error: unknown) => {
    if ((error as { errno?: number }).errno !== ALREADY_GONE) throw error;
  });
}

const ALREADY_GONE = 1094;
