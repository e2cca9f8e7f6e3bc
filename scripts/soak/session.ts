import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Connection,
  createConnection,
  type ResultSetHeader,
  type RowDataPacket,
} from 'mysql2/promise';
import type { Random } from './random';

/** A connection that is dropped after any error and made anew, as the docs ask of every caller. */
export interface Session {
  /** The server's number of the connection; undefined: there is none at the moment. */
  readonly id: number | undefined;
  /** Rows of a SELECT, or of the first result set of a CALL. */
  rows<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** How many rows a statement found. */
  affected(sql: string, values?: readonly unknown[]): Promise<number>;
  /** As `rows`, but an error leaves the connection as it is, with whatever transaction is open. */
  rowsAndStay<Row>(sql: string): Promise<Row[]>;
  inTransaction<T>(work: () => Promise<T>): Promise<T>;
  drop(): void;
}

/** The errno of what a statement threw; 0 when it was no answer of the server. */
export const errnoOf = (error: unknown): number => (error as { errno?: number }).errno ?? 0;

/**
 * A killed query says 1317; 1105 when it was an UPDATE of several tables; and 1305 at the one place where
 * the engine expects an error, since a killed query passes by every handler.
 */
export const isQueryKilled = (error: unknown): boolean =>
  errnoOf(error) === 1317 ||
  (errnoOf(error) === 1105 && /multi-table update/.test((error as Error).message)) ||
  (errnoOf(error) === 1305 && /order_timeout_probe/.test((error as Error).message));

const TIME_ZONES = ['-12:00', '-05:00', '+00:00', '+08:00', '+14:00'];

/** Each new connection has a time zone of its own: no decision may depend on it. */
export function openSession(url: string, random: Random): Session {
  let db: Connection | undefined;

  const connect = async () => {
    const fresh = await createConnection({ uri: url, connectTimeout: 5_000 });
    fresh.on('error', () => undefined);
    try {
      await fresh.query('SET time_zone = ?, innodb_lock_wait_timeout = 2', [
        random.pick(TIME_ZONES),
      ]);
    } catch (error) {
      fresh.destroy();
      throw error;
    }
    return fresh;
  };
  const drop = () => {
    db?.destroy();
    db = undefined;
  };
  const firstSet = <Row>(result: unknown) => {
    const rows = result as RowDataPacket[] | RowDataPacket[][];
    return (Array.isArray(rows[0]) ? rows[0] : rows) as unknown as Row[];
  };
  const query = async (sql: string, values: readonly unknown[] = []) => {
    try {
      db ??= await connect();
      const [result] = await db.query(sql, [...values]);
      return result;
    } catch (error) {
      drop();
      throw error;
    }
  };

  return {
    get id() {
      return db?.threadId ?? undefined;
    },
    rows: async <Row>(sql: string, values?: readonly unknown[]) =>
      firstSet<Row>(await query(sql, values)),
    rowsAndStay: async <Row>(sql: string) => {
      db ??= await connect();
      return firstSet<Row>((await db.query(sql))[0]);
    },
    affected: async (sql, values) => ((await query(sql, values)) as ResultSetHeader).affectedRows,
    inTransaction: async (work) => {
      await query('START TRANSACTION');
      try {
        const result = await work();
        await query('COMMIT');
        return result;
      } catch (error) {
        drop();
        throw error;
      }
    },
    drop,
  };
}

/** Connection lost, refused, shut down, killed: what a client sees of a killed connection or server. */
const LOST = new Set([0, 1053, 1152, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 3169]);

export const isConnectionLost = (error: unknown): boolean => {
  const { code = '' } = error as { code?: string };
  return LOST.has(errnoOf(error)) || /^(ECONN|EPIPE|PROTOCOL_|ETIMEDOUT)/.test(code);
};

/** Asks again while there is no connection to be had, as during a restart: for a minute. Throws any other error. */
export async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  const giveUpAt = Date.now() + 60_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (Date.now() > giveUpAt || !isConnectionLost(error)) throw error;
      await sleep(50);
    }
  }
}
