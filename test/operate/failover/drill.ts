import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { expect } from 'vitest';
import { diagnose, fix } from '../../../scripts/operate/doctor';
import { findDisagreements, findViolations } from '../../../scripts/dev/invariants';
import { readSource, type Source, up } from '../../../scripts/deploy';
import { sweepLock } from '../../../scripts/deploy/lock';
import type { PrivateMysqld } from '../../../scripts/dev/server';
import { createShopTables, loadExampleShop } from '../../../scripts/dev/shop';
import { withTexts } from '../../../scripts/dev/sources';
import { run } from '../../cli/support';
import { failed, said } from '../said';

export const SHOP = 'shop';

/** This package's files, but with an event that doesn't let a drill wait for a minute. */
export const quickSource = (comment = '') =>
  withTexts(readSource(), ({ kind, text }) =>
    kind === 'event'
      ? text.replace('EVERY 1 MINUTE', 'EVERY 1 SECOND').replace("COMMENT '", `COMMENT '${comment}`)
      : text,
  );

/** An account that is the same on every server; root's password isn't. */
export const DBA = { user: 'dba', password: 'drill' };

export const shopUrl = ({ port }: PrivateMysqld) =>
  `mysql://${DBA.user}:${DBA.password}@127.0.0.1:${port}/${SHOP}`;

/** Makes the example shop on a server and deploys to it. */
export async function deployShop(server: PrivateMysqld, source: Source): Promise<void> {
  const db = await createConnection(server.url);
  try {
    await db.query('CREATE USER ? IDENTIFIED BY ?', [DBA.user, DBA.password]);
    await db.query('GRANT ALL ON *.* TO ? WITH GRANT OPTION', [DBA.user]);
    await db.query('CREATE DATABASE ?? DEFAULT CHARACTER SET utf8mb4', [SHOP]);
    await db.query('USE ??', [SHOP]);
    await createShopTables(db);
  } finally {
    db.destroy();
  }
  await up(shopUrl(server), { source });
}

/** Asks one thing of a server's shop. */
export async function on<T>(
  server: PrivateMysqld,
  work: (db: Connection) => Promise<T>,
): Promise<T> {
  const db = await createConnection({ uri: shopUrl(server), dateStrings: true });
  db.on('error', () => undefined);
  try {
    return await work(db);
  } finally {
    db.destroy();
  }
}

/** Runs statements on a server's shop, one after the other. */
export async function execute(server: PrivateMysqld, ...statements: string[]): Promise<void> {
  await on(server, async (db) => {
    for (const sql of statements) await db.query(sql);
  });
}

/** The one value that a query returns. */
export async function valueOf(server: PrivateMysqld, sql: string): Promise<unknown> {
  return on(server, async (db) => {
    const [rows] = await db.query<RowDataPacket[]>(sql);
    const row: Record<string, unknown> = rows[0] ?? {};
    return Object.values(row)[0];
  });
}

/** Resolves when this is so; what fails meanwhile is tried again. A test's own time limit ends the wait. */
export async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo().catch(() => false))) await sleep(100);
}

/** Pending orders that are past their time, of types that time out. */
export const DUE = `SELECT COUNT(*) FROM orders
  WHERE status = 1 AND source_type <> 3 AND created_at < UTC_TIMESTAMP() - INTERVAL 30 MINUTE`;

/** Whether the scheduler would run events there now. */
export const SCHEDULER_THREADS = `SELECT COUNT(*) FROM performance_schema.threads
  WHERE name = 'thread/sql/event_scheduler'`;

export const LAST_EXECUTED = `SELECT CAST(last_executed AS CHAR) FROM information_schema.events
  WHERE event_schema = DATABASE() AND event_name = 'order_timeout_tick'`;

export const GTIDS = 'SELECT @@GLOBAL.gtid_executed';

/** What the sweep says when it is called by hand. */
export async function sweepOutcome(server: PrivateMysqld): Promise<string> {
  return on(server, async (db) => {
    const [result] = await db.query<RowDataPacket[][]>('CALL cancel_expired_orders()');
    return String(result[0]?.[0]?.outcome);
  });
}

/** Everything that is wrong with the shop's money. */
export async function moneyErrors(server: PrivateMysqld): Promise<unknown[]> {
  return on(server, async (db) => {
    const [missing] = await db.query<RowDataPacket[][]>('CALL audit_missing_refunds(NULL)');
    return [...(missing[0] ?? []), ...(await findViolations(db)), ...(await findDisagreements(db))];
  });
}

/** What the doctor says of a server: about one thing, and what fails. */
export async function doctorOn(server: PrivateMysqld, source: Source) {
  const findings = await diagnose(shopUrl(server), { source });
  return { says: (about: string) => said(findings, about), failed: failed(findings) };
}

/** With no sweep on this server, so that nothing is written meanwhile, and when the others have everything. */
export async function quietly<T>(
  server: PrivateMysqld,
  others: readonly PrivateMysqld[],
  work: () => Promise<T>,
): Promise<T> {
  return on(server, async (db) => {
    await db.query('DO GET_LOCK(?, 30)', [sweepLock(SHOP)]);
    await caughtUp(server, others);
    return work();
  });
}

/** Waits until the others have everything that this server has. */
export async function caughtUp(
  server: PrivateMysqld,
  others: readonly PrivateMysqld[],
): Promise<void> {
  const gtids = String(await valueOf(server, GTIDS));
  const has = `SELECT GTID_SUBSET('${gtids}', @@GLOBAL.gtid_executed)`;
  for (const other of others) await eventually(async () => (await valueOf(other, has)) === 1);
}

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

const untilDeath = (server: PrivateMysqld, work: (db: Connection) => Promise<void>) =>
  on(server, async (db) => {
    for (;;) await work(db);
  }).catch((error: unknown) => {
    // The connection is cut in the middle of a call; anything else is an error of the drill.
    if ((error as { fatal?: boolean }).fatal !== true) throw error;
  });

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
