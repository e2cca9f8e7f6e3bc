import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { diagnose, fix } from '../../scripts/doctor';
import type { Source } from '../../scripts/migrate';
import { sweepLock } from '../../scripts/migrate/lock';
import { type PrivateMysqld, startPrivateMysqld } from '../../scripts/server';
import { loadExampleShop } from '../../scripts/shop';
import {
  cli,
  DBA,
  deployShop,
  DUE,
  eventually,
  failed,
  GTIDS,
  LAST_EXECUTED,
  log,
  moneyErrors,
  on,
  quickSource,
  said,
  SCHEDULER_THREADS,
  SHOP,
  shopUrl,
  sweepOutcome,
  valueOf,
} from './drill';
import { DRILL_SETTINGS } from './group';
import { brokenPromises, loadUntilDeath } from './load';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

// A source and its replica through a failover and back: the tests are its story, in order.
let source: PrivateMysqld;
let replica: PrivateMysqld;
let files: Source;

beforeAll(async () => {
  [source, replica] = await Promise.all([start('1'), start('2')]);
  files = await quickSource();
  await deployShop(source, files);
  await follow(replica, source);
  log('source and replica are up, deployed on the source');
});

afterAll(() => Promise.all([source, replica].map((server) => server.stop())));

test('a server with the group plugin but without a group sweeps', async () => {
  expect(
    await valueOf(source, 'SELECT COUNT(*) FROM performance_schema.replication_group_members'),
  ).toBe(1);
  expect(await sweepOutcome(source)).toMatch(/completed|busy/);
});

test('failover-ready refuses a replica that might come back from a restart taking writes', async () => {
  await on(replica, (db) => db.query('SET GLOBAL super_read_only = ON'));
  const { code, out } = await cli('failover-ready', '--url', shopUrl(replica), '--yes');

  expect(code).toBe(3);
  expect(out).toContain('SET PERSIST_ONLY super_read_only = ON first');
  expect(said(await diagnose(shopUrl(replica), { source: files }), 'failover')).toMatch(
    /^warn: Not ready.+SET PERSIST_ONLY super_read_only = ON/,
  );
  expect((await cli('failover-ready', '--url', shopUrl(source), '--yes')).out).toMatch(
    /is a source: connect to the replica/,
  );
});

test('failover-ready enables the event on the replica, and leaves no transaction behind', async () => {
  for (const server of [source, replica]) {
    await on(server, (db) => db.query('SET PERSIST_ONLY super_read_only = ON'));
  }
  const before = await diagnose(shopUrl(replica), { source: files });
  expect(failed(before)).toEqual([]);
  expect(said(before, 'replication')).toMatch(
    /^ok: A replica of 127.0.0.1:\d+: it takes no writes/,
  );
  expect(said(before, 'failover')).toMatch(/^warn: Not ready: the event is REPLICA_SIDE_DISABLED/);

  await on(source, async (db) => {
    // No sweep meanwhile, so that nothing is written.
    await db.query('DO GET_LOCK(?, 30)', [sweepLock(SHOP)]);
    const gtids = await valueOf(source, GTIDS);
    await eventually(async () => (await valueOf(replica, GTIDS)) === gtids);
    const { code, out } = await cli('failover-ready', '--url', shopUrl(replica), '--yes');
    expect(out).toMatch(/: ready now\.$/);
    expect(code).toBe(0);
    expect(await valueOf(replica, GTIDS)).toBe(gtids);
  });

  expect(await valueOf(replica, 'SELECT @@super_read_only AND @@read_only')).toBe(1);
  await eventually(async () => (await valueOf(replica, SCHEDULER_THREADS)) === 0);
  expect(await sweepOutcome(replica)).toBe('read_only');
  const after = await diagnose(shopUrl(replica), { source: files });
  expect(failed(after)).toEqual([]);
  expect(said(after, 'failover')).toMatch(/^ok: Ready/);
  const onSource = await diagnose(shopUrl(source), { source: files });
  expect(failed(onSource)).toEqual([]);
  expect(said(onSource, 'replication')).toBe('ok: The source of a replica: it takes writes.');
});

test('SIGKILL the source under load, promote the replica: it sweeps on, and no refund is lost or doubled', async () => {
  await on(source, async (db) => {
    await db.query('UPDATE order_timeout_setting SET paused = 1, batch_size = 10');
    await loadExampleShop(db, { orders: 6000, mix: { due: 1 }, incidents: 'pending' });
    await db.query('UPDATE order_timeout_setting SET paused = 0');
  });
  const load = loadUntilDeath(source);
  await eventually(
    async () => Number(await valueOf(source, 'SELECT COUNT(*) FROM order_timeout_refund')) > 500,
  );
  const left = await valueOf(source, DUE);
  await source.kill('SIGKILL');
  const answers = await load;
  log(`SIGKILL with ${String(left)} orders due on the source`);

  await on(replica, async (db) => {
    // What has arrived is applied first: replication is asynchronous, and the rest is with the old source.
    await db.query('STOP REPLICA IO_THREAD');
    await eventually(async () => {
      const [rows] = await db.query('SHOW REPLICA STATUS');
      const [status] = rows as { Replica_SQL_Running_State: string }[];
      return status?.Replica_SQL_Running_State.includes('has read all relay log') === true;
    });
    await db.query('STOP REPLICA');
    await db.query('RESET REPLICA ALL');
    await db.query('SET GLOBAL super_read_only = OFF');
    await db.query('SET GLOBAL read_only = OFF');
  });
  log('the replica is promoted');
  await eventually(async () => (await valueOf(replica, DUE)) === 0);
  log('nothing is due any more; nobody has touched the event');

  expect(left).toBeGreaterThan(0);
  // What the source had acknowledged alone is not here; what is here is whole.
  log(
    `orders of which only the old source knows: ${(await brokenPromises(replica, answers)).length}`,
  );
  expect(await moneyErrors(replica)).toEqual([]);
  const findings = await diagnose(shopUrl(replica), { source: files });
  expect(failed(findings)).toEqual([]);
  expect(said(findings, 'replication')).toMatch(/^ok: A server of its own/);
  expect(said(findings, 'event')).toMatch(
    /^ok: Enabled, as deployed; it runs as order_timeout@localhost/,
  );
});

test('the old source comes back taking no writes, and does not sweep', async () => {
  // What is persisted is not read under --no-defaults, with which drills run.
  await source.restart({ 'super-read-only': 'ON' });
  const executed = await valueOf(source, LAST_EXECUTED);
  const due = await valueOf(source, DUE);
  await sleep(3000);

  expect(await valueOf(source, 'SELECT @@super_read_only')).toBe(1);
  expect(await valueOf(source, LAST_EXECUTED)).toBe(executed);
  expect(await valueOf(source, DUE)).toBe(due);
  expect(await sweepOutcome(source)).toBe('read_only');
  const findings = await diagnose(shopUrl(source), { source: files });
  expect(failed(findings)).toEqual([
    expect.stringMatching(/^replication: It takes no writes, and replicates from nobody/),
  ]);
  log('the old source is back: it takes no writes and does not sweep');
});

test('without failover-ready the promoted server does not sweep: the doctor says why and mends it', async () => {
  // A fresh replica, promoted as it is.
  await source.stop();
  source = await start('3');
  await on(replica, (db) => db.query('SET PERSIST_ONLY super_read_only = ON'));
  await follow(source, replica);
  await on(source, async (db) => {
    await db.query('STOP REPLICA');
    await db.query('RESET REPLICA ALL');
    await loadExampleShop(db, { orders: 50, mix: { due: 1 }, incidents: 'none' });
  });
  const due = await valueOf(source, DUE);
  await sleep(3000);
  expect(await valueOf(source, DUE)).toBe(due);
  const before = await diagnose(shopUrl(source), { source: files });
  expect(failed(before)).toContainEqual(expect.stringMatching(/^event: REPLICA_SIDE_DISABLED/));
  expect((await cli('doctor', '--url', shopUrl(source))).code).toBe(3);

  expect((await fix(shopUrl(source), { source: files })).done).toHaveLength(1);
  expect((await fix(shopUrl(source), { source: files })).done).toEqual([]);
  await eventually(async () => (await valueOf(source, DUE)) === 0);
  expect(failed(await diagnose(shopUrl(source), { source: files }))).toEqual([]);
  log('doctor --fix has mended it');
});

function start(id: string): Promise<PrivateMysqld> {
  return startPrivateMysqld({
    settings: {
      ...DRILL_SETTINGS,
      'server-id': id,
      // There, as on a server that may join a group one day.
      'plugin-load-add': 'group_replication.so',
    },
  });
}

/** Has a new server replicate from another one, and waits until it has everything. */
async function follow(server: PrivateMysqld, from: PrivateMysqld): Promise<void> {
  const db = await createConnection(server.url);
  try {
    await db.query(
      `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = ${from.port},
           SOURCE_USER = '${DBA.user}', SOURCE_PASSWORD = '${DBA.password}',
           SOURCE_AUTO_POSITION = 1, GET_SOURCE_PUBLIC_KEY = 1`,
    );
    await db.query('START REPLICA');
    const gtids = String(await valueOf(from, GTIDS));
    await eventually(async () => {
      const [rows] = await db.query(
        `SELECT GTID_SUBSET('${gtids}', @@GLOBAL.gtid_executed) AS has`,
      );
      return (rows as { has: number }[])[0]?.has === 1;
    });
  } finally {
    db.destroy();
  }
}
