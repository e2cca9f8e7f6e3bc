import { setTimeout as sleep } from 'node:timers/promises';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Source } from '../../../scripts/deploy';
import { type PrivateMysqld, startPrivateMysqld } from '../../../scripts/dev/server';
import { run } from '../../cli/support';
import { caughtUp, DBA, deployShop, doctorOn, DUE, eventually, execute } from './drill';
import { expectNoSweep, expectSweptUp, GTIDS, killUnderLoad, loadDueOrders } from './drill';
import { moneyErrors, on, quickSource, quietly, SCHEDULER_THREADS, shopUrl } from './drill';
import { sweepOutcome, valueOf } from './drill';
import { DRILL_SETTINGS } from './group';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

// A source and its replica through a failover: the tests are its story, in order.
let source: PrivateMysqld;
let replica: PrivateMysqld;
let files: Source;

const TAKE_WRITES = ['SET GLOBAL super_read_only = OFF', 'SET GLOBAL read_only = OFF'];

const failoverReady = (server: PrivateMysqld) =>
  run(['failover-ready', '--url', shopUrl(server), '--yes']);

beforeAll(async () => {
  [source, replica] = await Promise.all([start('1'), start('2')]);
  files = quickSource();
  await deployShop(source, files);
  await follow(replica, source);
});

afterAll(() => Promise.all([source, replica].map((server) => server.stop())));

test('a server with the group plugin but without a group sweeps', async () => {
  expect(
    await valueOf(source, 'SELECT COUNT(*) FROM performance_schema.replication_group_members'),
  ).toBe(1);
  expect(await sweepOutcome(source)).toMatch(/completed|busy/);
});

test('failover-ready refuses a replica that might come back from a restart taking writes', async () => {
  await execute(replica, 'SET GLOBAL super_read_only = ON');
  const { exitCode, out } = await failoverReady(replica);

  expect(exitCode).toBe(3);
  expect(out).toContain('SET PERSIST_ONLY super_read_only = ON first');
  expect((await doctorOn(replica, files)).says('failover')).toMatch(
    /^warn: Not ready.+SET PERSIST_ONLY super_read_only = ON/,
  );
  expect((await failoverReady(source)).err).toMatch(/is a source: connect to the replica/);
});

test('failover-ready enables the event on the replica, and leaves no transaction behind', async () => {
  for (const server of [source, replica])
    await execute(server, 'SET PERSIST_ONLY super_read_only = ON');
  const before = await doctorOn(replica, files);
  expect(before.failed).toEqual([]);
  expect(before.says('replication')).toMatch(/^ok: A replica of 127.0.0.1:\d+: it takes no writes/);
  expect(before.says('failover')).toMatch(/^warn: Not ready: the event is REPLICA_SIDE_DISABLED/);

  await quietly(source, [replica], async () => {
    const gtids = await valueOf(source, GTIDS);
    const { exitCode, out } = await failoverReady(replica);
    expect(out).toMatch(/: ready now\.$/);
    expect(exitCode).toBe(0);
    expect(await valueOf(replica, GTIDS)).toBe(gtids);
  });

  expect(await valueOf(replica, 'SELECT @@super_read_only AND @@read_only')).toBe(1);
  await eventually(async () => (await valueOf(replica, SCHEDULER_THREADS)) === 0);
  await expectNoSweep(replica);
  expect((await doctorOn(replica, files)).says('failover')).toMatch(/^ok: Ready/);
  const onSource = await doctorOn(source, files);
  expect(onSource.failed).toEqual([]);
  expect(onSource.says('replication')).toBe('ok: The source of a replica: it takes writes.');
});

test('after a drain with kills the replica has the same journal and the same shop, and has run no sweep', async () => {
  await loadDueOrders(source, 2000);
  await on(source, async (db) => {
    for (let kills = 0; kills < 5;) {
      const [sweeps] = await db.query<RowDataPacket[]>(
        "SELECT processlist_id AS id FROM performance_schema.threads WHERE name = 'thread/sql/event_worker'",
      );
      // Wherever it is by then.
      await sleep(Math.random() * 100);
      for (const { id } of sweeps) {
        await db.query('KILL QUERY ?', [id]).then(
          () => (kills += 1),
          () => undefined, // It has just ended.
        );
      }
    }
  });
  await eventually(async () => (await valueOf(source, DUE)) === 0);

  await quietly(source, [replica], async () => {
    expect(await tableChecksums(replica)).toEqual(await tableChecksums(source));
  });
  expect(await moneyErrors(source)).toEqual([]);
  expect(await valueOf(replica, SCHEDULER_THREADS)).toBe(0);
});

test('a replica that takes writes, as one from a dump would, does not sweep, and the doctor fails', async () => {
  await loadDueOrders(source, 50);
  await execute(source, 'UPDATE order_timeout_setting SET paused = 1');
  await eventually(async () => Number(await valueOf(replica, DUE)) > 0);
  await execute(replica, ...TAKE_WRITES);
  // Its event is enabled, and its scheduler at work.
  await eventually(async () => (await valueOf(replica, SCHEDULER_THREADS)) === 1);
  const due = await valueOf(replica, DUE);
  await sleep(2500);

  expect(await valueOf(replica, DUE)).toBe(due);
  expect(await sweepOutcome(replica)).toBe('read_only');
  expect((await doctorOn(replica, files)).says('replication')).toMatch(
    /^fail: A replica of 127.0.0.1:\d+ that takes writes: the sweep refuses here/,
  );
  await execute(replica, 'SET GLOBAL super_read_only = ON');
  await execute(source, 'UPDATE order_timeout_setting SET paused = 0');
});

test('SIGKILL the source under load, promote the replica as the runbook says: it sweeps on, and no refund is lost or doubled', async () => {
  await killUnderLoad(source);
  await on(replica, async (db) => {
    // What has arrived is applied first: replication is asynchronous, and the rest is with the old source.
    await db.query('STOP REPLICA IO_THREAD');
    await eventually(async () => {
      const [rows] = await db.query('SHOW REPLICA STATUS');
      const [status] = rows as { Replica_SQL_Running_State: string }[];
      return status?.Replica_SQL_Running_State.includes('has read all relay log') === true;
    });
  });
  await execute(replica, 'STOP REPLICA', 'RESET REPLICA ALL', ...TAKE_WRITES);

  // What the source had acknowledged alone is not here; what is here is whole.
  await expectSweptUp(replica, files);
  expect((await doctorOn(replica, files)).says('replication')).toMatch(/^ok: A server of its own/);
});

test('the old source comes back taking no writes, and does not sweep', async () => {
  // What is persisted is not read under --no-defaults, with which drills run.
  await source.restart({ 'super-read-only': 'ON' });

  expect(await valueOf(source, DUE)).toBeGreaterThan(0);
  await expectNoSweep(source);
  expect((await doctorOn(source, files)).failed).toEqual([
    expect.stringMatching(/^replication: It takes no writes, and replicates from nobody/),
  ]);
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
  } finally {
    db.destroy();
  }
  await caughtUp(from, [server]);
}

/** Of all tables of the shop and of ours. */
async function tableChecksums(server: PrivateMysqld): Promise<unknown[]> {
  return on(server, async (db) => {
    const [tables] = await db.query<RowDataPacket[]>(
      `SELECT table_name AS name FROM information_schema.tables
        WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name`,
    );
    const [checksums] = await db.query<RowDataPacket[]>('CHECKSUM TABLE ??', [
      tables.map(({ name }) => String(name)),
    ]);
    return checksums;
  });
}
