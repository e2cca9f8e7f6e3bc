import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { diagnose } from '../../../scripts/operate/doctor';
import { findDisagreements, findViolations } from '../../../scripts/dev/invariants';
import { readSource, type Source, up } from '../../../scripts/deploy';
import { sweepLock } from '../../../scripts/deploy/lock';
import type { PrivateMysqld } from '../../../scripts/dev/server';
import { createShopTables } from '../../../scripts/dev/shop';
import { failed, said } from '../said';

export const SHOP = 'shop';

/** This package's files, but with an event that doesn't let a drill wait for a minute. */
export async function quickSource(comment = ''): Promise<Source> {
  const source = await readSource();
  return {
    ...source,
    objects: source.objects.map((object) =>
      object.kind === 'event'
        ? {
            ...object,
            text: object.text
              .replace('EVERY 1 MINUTE', 'EVERY 1 SECOND')
              .replace("COMMENT '", `COMMENT '${comment}`),
          }
        : object,
    ),
  };
}

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
