import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { expect } from 'vitest';
import { fix } from '../../../scripts/operate/doctor';
import type { Source } from '../../../scripts/deploy';
import type { PrivateMysqld } from '../../../scripts/dev/server';
import { loadExampleShop } from '../../../scripts/dev/shop';
import { run } from '../../cli/support';
import { doctorOn, DUE, eventually, LAST_EXECUTED, moneyErrors, on } from './drill';
import { shopUrl, sweepOutcome, valueOf } from './drill';

// The steps that the drills share, whatever the servers are to each other.

/** What clients were told by a server before it died. */
export interface Answers {
  readonly cancelled: number[];
  readonly paid: number[];
}

export async function loadDueOrders(server: PrivateMysqld, orders: number): Promise<void> {
  await on(server, async (db) => {
    await db.query('UPDATE order_timeout_setting SET paused = 1, batch_size = 10');
    await loadExampleShop(db, { orders, mix: { due: 1 }, incidents: 'none' });
    await db.query('UPDATE order_timeout_setting SET paused = 0');
  });
}

/** SIGKILL in the middle of a drain, while clients pay and cancel. Resolves with what these were told. */
export async function killUnderLoad(server: PrivateMysqld): Promise<Answers> {
  await loadDueOrders(server, 2500);
  const answers: Answers = { cancelled: [], paid: [] };
  const clients = Promise.all([
    untilDeath(server, async (db) => {
      for (const id of await pendingIds(db, 'DESC')) {
        const [rows] = await db.query<RowDataPacket[][]>('CALL cancel_expired_order(?)', [id]);
        if (rows[0]?.[0]?.outcome === 'cancelled') answers.cancelled.push(id);
      }
    }),
    untilDeath(server, async (db) => {
      for (const id of await pendingIds(db, 'ASC', 1200)) {
        const [result] = await db.query(
          'UPDATE orders SET status = 2, paid_at = NOW(3) WHERE id = ? AND status = 1',
          [id],
        );
        if ('affectedRows' in result && result.affectedRows === 1) answers.paid.push(id);
      }
    }),
  ]);
  await eventually(
    async () =>
      answers.paid.length > 0 &&
      answers.cancelled.length > 0 &&
      Number(await valueOf(server, 'SELECT COUNT(*) FROM order_timeout_refund')) > 200,
  );
  expect(await valueOf(server, DUE)).toBeGreaterThan(0);
  await server.kill('SIGKILL');
  await clients;
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
    if ((error as { fatal?: boolean }).fatal !== true) throw error;
  } finally {
    db.destroy();
  }
}

/** Orders of which a server says something else than what the clients were told. */
export async function brokenPromises(
  server: PrivateMysqld,
  { cancelled, paid }: Answers,
): Promise<number[]> {
  return on(server, async (db) => {
    const [rows] = await db.query<RowDataPacket[]>(
      'SELECT id FROM orders WHERE (id IN (?) AND status <> 3) OR (id IN (?) AND status <> 2)',
      [cancelled, paid],
    );
    return rows.map((row) => Number(row.id));
  });
}

/** The event drains the server without anybody's help, and no refund is lost or doubled. */
export async function expectSweptUp(server: PrivateMysqld, source: Source): Promise<void> {
  await eventually(async () => (await valueOf(server, DUE)) === 0);
  expect(await moneyErrors(server)).toEqual([]);
  const doctor = await doctorOn(server, source);
  expect(doctor.failed).toEqual([]);
  expect(doctor.says('event')).toMatch(
    /^ok: Enabled, as deployed; it runs as order_timeout@localhost/,
  );
}

/** Two of the event's intervals and more go by: nothing is swept there, also when somebody asks. */
export async function expectNoSweep(server: PrivateMysqld): Promise<void> {
  const state = async () => [await valueOf(server, DUE), await valueOf(server, LAST_EXECUTED)];
  const before = await state();
  await sleep(2500);
  expect(await state()).toEqual(before);
  expect(await sweepOutcome(server)).toBe('read_only');
}

/** MySQL has left the event off on a promoted server: the doctor says so, and mends it once. */
export async function expectMendedByFix(server: PrivateMysqld, source: Source): Promise<void> {
  await loadDueOrders(server, 50);
  const due = await valueOf(server, DUE);
  await sleep(2500);
  expect(await valueOf(server, DUE)).toBe(due);

  const { exitCode, out } = await run(['doctor', '--url', shopUrl(server), '--json']);
  expect(exitCode).toBe(3);
  expect(out).toContain('REPLICA_SIDE_DISABLED');
  expect((await doctorOn(server, source)).says('event')).toMatch(
    /^fail: .*leaves the event off on a server that was promoted.+--fix/,
  );

  const mended = await fix(shopUrl(server), { source });
  expect(mended.done).toEqual([
    'The event order_timeout_tick was REPLICA_SIDE_DISABLED, and is enabled as order_timeout@localhost',
  ]);
  expect(await fix(shopUrl(server), { source })).toEqual({ done: [], remarks: [] });
  await expectSweptUp(server, source);
}
