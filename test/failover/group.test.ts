import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { diagnose, fix } from '../../scripts/doctor';
import { failoverReady } from '../../scripts/failover';
import { type Source, up } from '../../scripts/migrate';
import { sweepLock } from '../../scripts/migrate/lock';
import type { PrivateMysqld } from '../../scripts/server';
import { loadExampleShop } from '../../scripts/shop';
import {
  cli,
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
import { join, membership, startGroup } from './group';
import { brokenPromises, loadUntilDeath } from './load';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

// One group through two failovers: the tests are its story, in order.
let members: PrivateMysqld[] = [];
let source: Source;
let primary: PrivateMysqld;
let secondaries: PrivateMysqld[] = [];
let fallen: PrivateMysqld;

beforeAll(async () => {
  members = await startGroup();
  takeRoles(members);
  source = await quickSource();
  await deployShop(primary, source);
  await everybodyHas(await valueOf(primary, GTIDS));
  log('group of three is up, deployed on its primary');
});

afterAll(() => Promise.all(members.map((member) => member.stop())));

test('before failover-ready, the doctor warns on every member and nothing fails', async () => {
  await eventually(async () => (await valueOf(primary, LAST_EXECUTED)) !== null);
  const onPrimary = await diagnose(shopUrl(primary), { source });
  expect(failed(onPrimary)).toEqual([]);
  expect(said(onPrimary, 'replication')).toMatch(/^ok: A primary of the group .+ SECONDARY ONLINE/);
  expect(said(onPrimary, 'scheduler')).toMatch(/^ok: .+ its thread is alive/);
  expect(said(onPrimary, 'failover')).toMatch(
    /^warn: .+not ready: its event is off.+not ready: its event is off.+failover-ready/,
  );
  for (const secondary of secondaries) {
    const findings = await diagnose(shopUrl(secondary), { source });
    expect(failed(findings)).toEqual([]);
    expect(said(findings, 'replication')).toBe(
      `ok: A secondary of the group ${String(await groupName())}; the primary, where the sweep belongs, is 127.0.0.1:${primary.port}.`,
    );
    expect(said(findings, 'event')).toMatch(/^ok: As deployed, REPLICA_SIDE_DISABLED/);
    expect(said(findings, 'failover')).toMatch(/^warn: Not ready.+no sweep would run/);
    expect(await sweepOutcome(secondary)).toBe('read_only');
  }
});

test('failover-ready enables the event on every secondary, and leaves no transaction behind', async () => {
  const shown = await cli('failover-ready', '--url', shopUrl(primary));
  expect(shown.code).toBe(2);
  expect(shown.out).toMatch(/SET SESSION sql_log_bin = 0[\s\S]+Nothing was changed/);

  const result = await quietly(async () => {
    const before = await Promise.all(members.map((member) => valueOf(member, GTIDS)));
    // Asked from a secondary: it finds the others, and itself.
    const { outcome, candidates } = await failoverReady(shopUrl(first(secondaries)));
    expect(await Promise.all(members.map((member) => valueOf(member, GTIDS)))).toEqual(before);
    return { outcome, outcomes: candidates.map((candidate) => candidate.outcome) };
  });

  expect(result).toEqual({ outcome: 'done', outcomes: ['made_ready', 'made_ready'] });
  for (const secondary of secondaries) {
    expect(await valueOf(secondary, 'SELECT @@super_read_only AND @@read_only')).toBe(1);
    // The moment without super_read_only woke the scheduler; it ends when it finds the event due.
    await eventually(async () => (await valueOf(secondary, SCHEDULER_THREADS)) === 0);
    expect(said(await diagnose(shopUrl(secondary), { source }), 'failover')).toMatch(/^ok: Ready/);
  }
  const findings = await diagnose(shopUrl(primary), { source });
  expect(said(findings, 'failover')).toMatch(
    /^ok: 127.0.0.1:\d+ is ready. 127.0.0.1:\d+ is ready.$/,
  );
  expect(said(findings, 'event')).toMatch(/^ok: Enabled/);
  const again = await cli('failover-ready', '--url', shopUrl(primary), '--yes', '--json');
  expect(again.code).toBe(0);
  expect(JSON.parse(again.out)).toMatchObject({ outcome: 'nothing_to_do' });
});

test('SIGKILL the primary under load: the new one sweeps on by itself, and no refund is lost or doubled', async () => {
  await on(primary, async (db) => {
    await db.query('UPDATE order_timeout_setting SET paused = 1, batch_size = 10');
    await loadExampleShop(db, { orders: 6000, mix: { due: 1 }, incidents: 'pending' });
    await db.query('UPDATE order_timeout_setting SET paused = 0');
  });
  // While super_read_only was off, a secondary's scheduler may have found the event due once.
  const executed = new Map<PrivateMysqld, unknown>();
  for (const secondary of secondaries) {
    executed.set(secondary, await valueOf(secondary, LAST_EXECUTED));
  }
  const load = loadUntilDeath(primary);
  await eventually(
    async () => Number(await valueOf(primary, 'SELECT COUNT(*) FROM order_timeout_refund')) > 500,
  );
  const left = await valueOf(primary, DUE);
  await primary.kill('SIGKILL');
  const answers = await load;
  log(
    `SIGKILL with ${String(left)} orders due; clients were told of ${answers.cancelled.length} cancelled ` +
      `and ${answers.paid.length} paid`,
  );

  await newPrimary();
  log(`127.0.0.1:${primary.port} is the primary`);
  await eventually(async () => (await valueOf(primary, DUE)) === 0);
  log('nothing is due any more; nobody has touched anything');

  expect(left).toBeGreaterThan(0);
  expect(answers.cancelled.length).toBeGreaterThan(0);
  expect(answers.paid.length).toBeGreaterThan(0);
  expect(await brokenPromises(primary, answers)).toEqual([]);
  expect(await moneyErrors(primary)).toEqual([]);
  expect(await valueOf(primary, LAST_EXECUTED)).not.toBe(executed.get(primary));
  const other = first(secondaries);
  expect(await valueOf(other, LAST_EXECUTED)).toBe(executed.get(other));
  expect(await valueOf(other, SCHEDULER_THREADS)).toBe(0);
  expect(await sweepOutcome(other)).toBe('read_only');
  const findings = await diagnose(shopUrl(primary), { source });
  expect(failed(findings)).toEqual([]);
  expect(said(findings, 'failover')).toMatch(/^ok/);
});

test('the old primary comes back: outside the group it refuses to sweep, and says so', async () => {
  await fallen.restart();
  const before = await outsideState();
  await on(fallen, (db) => db.query('SET GLOBAL event_scheduler = ON'));
  // It is writable and its event is enabled, and it has orders that are due.
  expect(await valueOf(fallen, 'SELECT @@read_only')).toBe(0);
  expect(before.due).toBeGreaterThan(0);
  const executed = await valueOf(fallen, LAST_EXECUTED);
  await eventually(async () => (await valueOf(fallen, LAST_EXECUTED)) !== executed);
  await sleep(500);

  expect(await outsideState()).toEqual(before);
  expect(await sweepOutcome(fallen)).toBe('read_only');
  const { code, out } = await cli('doctor', '--url', shopUrl(fallen));
  expect(code).toBe(3);
  expect(out).toMatch(/fail {2}replication .+ is outside it \(OFFLINE\): the sweep refuses here/);
  expect(await fix(shopUrl(fallen), { source })).toMatchObject({ done: [] });
  log('the old primary is back, outside the group: it does not sweep');
});

test('the old primary rejoins, and does not sweep', async () => {
  await join(fallen);
  secondaries = [...secondaries, fallen];
  await on(primary, (db) =>
    loadExampleShop(db, { orders: 50, mix: { due: 1 }, incidents: 'none' }),
  );
  const executed = await valueOf(fallen, LAST_EXECUTED);
  await eventually(async () => (await valueOf(primary, DUE)) === 0);
  await quietly(async () => {
    await everybodyHas(await valueOf(primary, GTIDS));
  });

  expect(await valueOf(fallen, SCHEDULER_THREADS)).toBe(0);
  expect(await valueOf(fallen, LAST_EXECUTED)).toBe(executed);
  expect(await valueOf(fallen, DUE)).toBe(0);
  expect(await moneyErrors(fallen)).toEqual([]);
  const findings = await diagnose(shopUrl(fallen), { source });
  expect(failed(findings)).toEqual([]);
  expect(said(findings, 'failover')).toMatch(/^ok: Ready/);
  log('the old primary has rejoined: it has every transaction and does not sweep');
});

test('a deployment that changes the event has the doctor ask for failover-ready again', async () => {
  source = await quickSource('Changed. ');
  await up(shopUrl(primary), { source });

  const findings = await diagnose(shopUrl(primary), { source });
  expect(failed(findings)).toEqual([]);
  expect(said(findings, 'failover')).toMatch(/^warn: .+its event is off.+failover-ready/);
});

test('without failover-ready nobody sweeps after a failover: the doctor says why and mends it', async () => {
  await primary.kill('SIGKILL');
  await newPrimary();
  log(`SIGKILL again, without failover-ready; 127.0.0.1:${primary.port} is the primary`);
  await on(primary, (db) =>
    loadExampleShop(db, { orders: 50, mix: { due: 1 }, incidents: 'none' }),
  );
  const due = await valueOf(primary, DUE);
  await sleep(3000);
  expect(await valueOf(primary, DUE)).toBe(due);

  const { code, out } = await cli('doctor', '--url', shopUrl(primary), '--json');
  expect(code).toBe(3);
  expect(out).toContain('REPLICA_SIDE_DISABLED');
  const before = await diagnose(shopUrl(primary), { source });
  expect(failed(before)).toContainEqual(expect.stringMatching(/^event: REPLICA_SIDE_DISABLED/));
  expect(said(before, 'event')).toMatch(
    /leaves the event off on a server that was promoted.+--fix/,
  );

  // On a member that takes no writes nothing is mended.
  expect(await fix(shopUrl(first(secondaries)), { source })).toMatchObject({ done: [] });
  const mended = await fix(shopUrl(primary), { source });
  expect(mended.done).toEqual([
    'The event order_timeout_tick was REPLICA_SIDE_DISABLED, and is enabled as order_timeout@localhost',
  ]);
  expect(await fix(shopUrl(primary), { source })).toEqual({ done: [], remarks: [] });
  await eventually(async () => (await valueOf(primary, DUE)) === 0);
  log('doctor --fix has mended it: the new primary sweeps');

  const after = await diagnose(shopUrl(primary), { source });
  expect(failed(after)).toEqual([]);
  expect(said(after, 'event')).toMatch(
    /^ok: Enabled, as deployed; it runs as order_timeout@localhost/,
  );
  expect(await moneyErrors(primary)).toEqual([]);
});

function first(servers: readonly PrivateMysqld[]): PrivateMysqld {
  const [server] = servers;
  if (server === undefined) throw new Error('There is none');
  return server;
}

function takeRoles([head, ...others]: readonly PrivateMysqld[]): void {
  primary = first(head === undefined ? [] : [head]);
  secondaries = others;
}

/** Waits for the group to elect one of the secondaries, and for it to take writes. */
async function newPrimary(): Promise<void> {
  fallen = primary;
  await eventually(async () => {
    for (const candidate of secondaries) {
      const { role } = await on(candidate, membership);
      if (role !== 'PRIMARY' || (await valueOf(candidate, 'SELECT @@read_only')) !== 0) continue;
      secondaries = secondaries.filter((member) => member !== candidate);
      primary = candidate;
      return true;
    }
    return false;
  });
}

/** With no sweep, so that nothing is written meanwhile. */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  return on(primary, async (db) => {
    await db.query('DO GET_LOCK(?, 30)', [sweepLock(SHOP)]);
    await everybodyHas(await valueOf(primary, GTIDS));
    return work();
  });
}

async function everybodyHas(gtids: unknown): Promise<void> {
  for (const member of secondaries) {
    await eventually(
      async () =>
        (await valueOf(
          member,
          `SELECT GTID_SUBSET('${String(gtids)}', @@GLOBAL.gtid_executed)`,
        )) === 1,
    );
  }
}

/** What a sweep on the server outside its group would change. */
async function outsideState() {
  return {
    due: Number(await valueOf(fallen, DUE)),
    gtids: await valueOf(fallen, GTIDS),
    runs: await valueOf(fallen, 'SELECT COUNT(*) FROM order_timeout_run'),
  };
}

const groupName = () => valueOf(primary, 'SELECT @@group_replication_group_name');
