import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { fix } from '../../../scripts/operate/doctor';
import { failoverReady } from '../../../scripts/operate/failover';
import { type Source, up } from '../../../scripts/deploy';
import type { PrivateMysqld } from '../../../scripts/dev/server';
import { run } from '../../cli/support';
import { brokenPromises, caughtUp, deployShop, doctorOn, eventually, execute } from './drill';
import { expectMendedByFix, expectNoSweep, expectSweptUp, GTIDS, killUnderLoad } from './drill';
import { LAST_EXECUTED, on, quickSource, quietly, SCHEDULER_THREADS, shopUrl } from './drill';
import { sweepOutcome, valueOf } from './drill';
import { join, membership, startGroup } from './group';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

// One group through two failovers: the tests are its story, in order.
let members: PrivateMysqld[] = [];
let source: Source;
let primary: PrivateMysqld;
let secondaries: PrivateMysqld[] = [];
let fallen: PrivateMysqld;

beforeAll(async () => {
  members = await startGroup();
  [primary, ...secondaries] = members as [PrivateMysqld, ...PrivateMysqld[]];
  source = quickSource();
  await deployShop(primary, source);
  await caughtUp(primary, secondaries);
});

afterAll(() => Promise.all(members.map((member) => member.stop())));

test('before failover-ready, the doctor warns on every member and nothing fails', async () => {
  await eventually(async () => (await valueOf(primary, LAST_EXECUTED)) !== null);
  const onPrimary = await doctorOn(primary, source);
  expect(onPrimary.failed).toEqual([]);
  expect(onPrimary.says('replication')).toMatch(/^ok: A primary of the group .+ SECONDARY ONLINE/);
  expect(onPrimary.says('scheduler')).toMatch(/^ok: .+ its thread is alive/);
  expect(onPrimary.says('failover')).toMatch(
    /^warn: .+not ready: its event is off.+not ready: its event is off.+failover-ready/,
  );
  for (const secondary of secondaries) {
    const doctor = await doctorOn(secondary, source);
    expect(doctor.failed).toEqual([]);
    expect(doctor.says('replication')).toMatch(
      new RegExp(`^ok: A secondary of the group .+ is 127.0.0.1:${primary.port}.$`),
    );
    expect(doctor.says('event')).toMatch(/^ok: As deployed, REPLICA_SIDE_DISABLED/);
    expect(doctor.says('failover')).toMatch(/^warn: Not ready.+no sweep would run/);
    expect(await sweepOutcome(secondary)).toBe('read_only');
    // On a member that takes no writes nothing is mended.
    expect(await fix(shopUrl(secondary), { source })).toMatchObject({ done: [] });
  }
});

test('failover-ready enables the event on every secondary, and leaves no transaction behind', async () => {
  const shown = await run(['failover-ready', '--url', shopUrl(primary)]);
  expect(shown.exitCode).toBe(2);
  expect(shown.out).toContain('SET SESSION sql_log_bin = 0');
  expect(shown.err).toContain('Nothing was changed');

  await quietly(primary, secondaries, async () => {
    const executed = () => Promise.all(members.map((member) => valueOf(member, GTIDS)));
    const before = await executed();
    // Asked from a secondary: it finds the others, and itself.
    const { outcome, candidates } = await failoverReady(shopUrl(secondaries[0] ?? primary));
    expect(await executed()).toEqual(before);
    expect(outcome).toBe('done');
    expect(candidates.map((candidate) => candidate.outcome)).toEqual(['made_ready', 'made_ready']);
  });

  for (const secondary of secondaries) {
    expect(await valueOf(secondary, 'SELECT @@super_read_only AND @@read_only')).toBe(1);
    // The moment without super_read_only woke the scheduler; it ends when it finds the event due.
    await eventually(async () => (await valueOf(secondary, SCHEDULER_THREADS)) === 0);
    expect((await doctorOn(secondary, source)).says('failover')).toMatch(/^ok: Ready/);
  }
  expect((await doctorOn(primary, source)).says('failover')).toMatch(
    /^ok: 127.0.0.1:\d+ is ready. 127.0.0.1:\d+ is ready.$/,
  );
  const again = await run(['failover-ready', '--url', shopUrl(primary), '--yes', '--json']);
  expect(again.exitCode).toBe(0);
  expect(JSON.parse(again.out)).toMatchObject({ outcome: 'nothing_to_do' });
});

test('SIGKILL the primary under load: the new one sweeps on by itself, and no refund is lost or doubled', async () => {
  const answers = await killUnderLoad(primary);
  await newPrimary();
  await expectSweptUp(primary, source);

  expect(await brokenPromises(primary, answers)).toEqual([]);
  for (const other of secondaries) await expectNoSweep(other);
});

test('the old primary comes back: outside the group it refuses to sweep, and says so', async () => {
  await fallen.restart();
  await execute(fallen, 'SET GLOBAL event_scheduler = ON');
  // It is writable and its event is enabled, and it has orders that are due.
  expect(await valueOf(fallen, 'SELECT @@read_only')).toBe(0);
  const state = () =>
    Promise.all(
      [GTIDS, 'SELECT COUNT(*) FROM order_timeout_run'].map((sql) => valueOf(fallen, sql)),
    );
  const before = await state();
  const executed = await valueOf(fallen, LAST_EXECUTED);
  await eventually(async () => (await valueOf(fallen, LAST_EXECUTED)) !== executed);
  await sleep(500);

  expect(await state()).toEqual(before);
  expect(await sweepOutcome(fallen)).toBe('read_only');
  const { exitCode, out } = await run(['doctor', '--url', shopUrl(fallen)]);
  expect(exitCode).toBe(3);
  expect(out).toMatch(/fail {2}replication .+ is outside it \(OFFLINE\): the sweep refuses here/);
  expect(await fix(shopUrl(fallen), { source })).toMatchObject({ done: [] });
});

test('the old primary rejoins, and does not sweep', async () => {
  await join(fallen);
  secondaries = [...secondaries, fallen];

  await expectNoSweep(fallen);
  const doctor = await doctorOn(fallen, source);
  expect(doctor.failed).toEqual([]);
  expect(doctor.says('failover')).toMatch(/^ok: Ready/);
});

test('after a deployment that changed the event, and no failover-ready, nobody sweeps on: the doctor says it before and after, and mends it', async () => {
  source = quickSource('Changed. ');
  await up(shopUrl(primary), { source });
  const before = await doctorOn(primary, source);
  expect(before.failed).toEqual([]);
  expect(before.says('failover')).toMatch(/^warn: .+its event is off.+failover-ready/);

  // As a planned switch-over, since the other way takes the group a while.
  const [next = primary] = secondaries;
  const uuid = String(await valueOf(next, 'SELECT @@server_uuid'));
  await execute(primary, `SELECT group_replication_set_as_primary('${uuid}')`);
  await newPrimary();
  await expectMendedByFix(primary, source);
});

/** Waits until one of the secondaries is the primary, and takes writes. */
async function newPrimary(): Promise<void> {
  fallen = primary;
  await eventually(async () => {
    for (const candidate of secondaries) {
      const isPrimary = (await on(candidate, membership)).endsWith('PRIMARY');
      if (!isPrimary || (await valueOf(candidate, 'SELECT @@read_only')) !== 0) continue;
      secondaries = secondaries.filter((member) => member !== candidate);
      primary = candidate;
      return true;
    }
    return false;
  });
}
