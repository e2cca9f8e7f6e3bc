import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import type { PrivateMysqld } from '../../scripts/server';
import { on, shopUrl } from './drill';

/** What clients were told by the server before it died. */
export interface Answers {
  readonly cancelled: number[];
  readonly paid: number[];
}

/** Clients that pay and cancel orders one by one until the server is gone. */
export async function loadUntilDeath(server: PrivateMysqld): Promise<Answers> {
  const answers: Answers = { cancelled: [], paid: [] };
  await Promise.all([
    untilDeath(server, async (db) => {
      for (const id of await pendingIds(db, 'DESC')) {
        const [rows] = await db.query<RowDataPacket[][]>('CALL cancel_expired_order(?)', [id]);
        if (rows[0]?.[0]?.outcome === 'cancelled') answers.cancelled.push(id);
      }
    }),
    untilDeath(server, async (db) => {
      for (const id of await pendingIds(db, 'ASC', 2000)) {
        const [result] = await db.query(
          'UPDATE orders SET status = 2, paid_at = NOW(3) WHERE id = ? AND status = 1',
          [id],
        );
        if ('affectedRows' in result && result.affectedRows === 1) answers.paid.push(id);
      }
    }),
  ]);
  return answers;
}

async function pendingIds(db: Connection, order: 'ASC' | 'DESC', from = 0): Promise<number[]> {
  const [rows] = await db.query<RowDataPacket[]>(
    `SELECT id FROM orders WHERE status = 1 AND source_type <> 3 AND id > ? ORDER BY id ${order} LIMIT 20`,
    [from],
  );
  return rows.map((row) => Number(row.id));
}

async function untilDeath(
  server: PrivateMysqld,
  work: (db: Connection) => Promise<void>,
): Promise<void> {
  const db = await createConnection(shopUrl(server));
  db.on('error', () => undefined);
  try {
    for (;;) await work(db);
  } catch (error) {
    // The connection is cut in the middle of a call; anything else is an error of the drill.
    if ((error as { errno?: number; fatal?: boolean }).fatal !== true) throw error;
  } finally {
    db.destroy();
  }
}

/** Orders of which the server that took over says something else than what the clients were told. */
export async function brokenPromises(
  server: PrivateMysqld,
  { cancelled, paid }: Answers,
): Promise<number[]> {
  return on(server, async (db) => {
    const [rows] = await db.query<RowDataPacket[]>(
      'SELECT id FROM orders WHERE (id IN (?) AND status <> 3) OR (id IN (?) AND status <> 2)',
      [
        [0, ...cancelled],
        [0, ...paid],
      ],
    );
    return rows.map((row) => Number(row.id));
  });
}
