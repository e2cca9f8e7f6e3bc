import type { Connection, ConnectionOptions } from 'mysql2/promise';
import { retrying } from '../client/pause';
import { select, selectColumn, type Target, withSession } from '../deploy/connection';
import { mistake, Refusal } from '../deploy/errors';
import {
  addressOf,
  enableEvent,
  type EventState,
  otherMembers,
  ownMembership,
  readEvent,
  readTopology,
  type Role,
  roleOf,
  type Topology,
} from './topology';

/** Whether a server would carry on by itself after its promotion. */
interface Readiness {
  /**
   * `ready`: it was before; `not_ready`: the statements would make it so; `refused`: something else has to be done
   * first. The others are of servers that were reached, or not, to be made ready.
   */
  readonly outcome: 'ready' | 'not_ready' | 'refused' | 'unreachable' | 'made_ready' | 'failed';
  /** Why, when it isn't ready. */
  readonly reason?: string | undefined;
  readonly statements?: readonly string[];
}

/** A server that may be promoted. `address`: host:port, as its group knows it. */
export interface Candidate extends Readiness {
  readonly address: string;
}

/** With the way to it, which is not told: it may have a password in it. */
interface Located extends Candidate {
  readonly target: Target;
}

export interface FailoverResult {
  readonly outcome: 'done' | 'nothing_to_do' | 'declined';
  readonly candidates: readonly Candidate[];
}

/**
 * Has the event enabled on every server that may be promoted, so that the sweep goes on by itself there.
 * Repeatable. One server that fails does not stop the others. Throws as planFailoverReady() does.
 * `confirm`: asked before anything is changed; false leaves everything as it is. Without it nobody is asked.
 */
export async function failoverReady(
  target: Target,
  { confirm }: { confirm?: (candidates: readonly Candidate[]) => Promise<boolean> } = {},
): Promise<FailoverResult> {
  const found = await planFailoverReady(target);
  const told = found.map(asTold);
  const isNeeded = found.some(({ outcome }) => outcome === 'not_ready');
  if (!isNeeded) return { outcome: 'nothing_to_do', candidates: told };
  if (confirm !== undefined && !(await confirm(found)))
    return { outcome: 'declined', candidates: told };
  const candidates: Candidate[] = [];
  // One after the other: at any moment all but one are closed.
  for (const candidate of found) {
    const { address } = candidate;
    const made = await makeReady(candidate).catch((error: unknown) => failed('failed', error));
    candidates.push(asTold({ address, ...made }));
  }
  return { outcome: 'done', candidates };
}

const failed = (outcome: 'failed' | 'unreachable', error: unknown): Readiness => ({
  outcome,
  reason: (error as Error).message,
});

const asTold = ({ address, outcome, reason }: Candidate): Candidate => ({
  address,
  outcome,
  reason,
});

async function makeReady(candidate: Located): Promise<Readiness> {
  if (candidate.outcome !== 'not_ready') return candidate;
  return withSession(candidate.target, async (db) => {
    // It may have been promoted since it was looked at.
    const { readiness: now } = await lookAt(db);
    if (now.outcome !== 'not_ready') return now;
    await enableOnReadOnly(db, candidate.target, now.statements ?? []);
    const { readiness: then } = await lookAt(db);
    return then.outcome === 'ready' ? { outcome: 'made_ready' } : then;
  });
}

/**
 * Looks at every secondary of the group of which the target is a member, or at the replica that the target is.
 * Changes nothing. Throws a Refusal when the target is neither, TopologyUnreadable, and mysql2's errors.
 */
export function planFailoverReady(target: Target): Promise<readonly Located[]> {
  return withSession(target, async (db) => {
    const { topology, readiness } = await lookAt(db);
    const role = roleOf(topology);
    if (role === 'replica') return [{ address: await ownAddress(db), ...readiness, target }];
    if (role !== 'primary' && role !== 'secondary')
      throw new Refusal([mistake('failover', HAS_NO_CANDIDATE[role])]);
    if (topology.group?.isSinglePrimary === false)
      throw new Refusal([
        mistake(
          'failover',
          'The group has several primaries: the event runs on one of them, and there is nobody to be promoted',
          'should that one be lost: order-timeout doctor --fix on another',
        ),
      ]);
    const own = role === 'secondary' ? ownMembership(topology) : undefined;
    const others = otherMembers(topology)
      .filter((member) => member.role !== 'PRIMARY')
      .map((member) => locateMember(onServer(target, member), addressOf(member)));
    return [
      ...(await Promise.all(others)),
      ...(own === undefined ? [] : [{ address: addressOf(own), ...readiness, target }]),
    ];
  });
}

const CONNECT_TO_REPLICA = 'connect to the replica that is to take over, and run it there';

const HAS_NO_CANDIDATE = {
  outside:
    'The server is outside its group: START GROUP_REPLICATION there, or connect to another member',
  joining: 'The server is still joining its group: try again when it is ONLINE',
  source: `The server is a source: ${CONNECT_TO_REPLICA}`,
  standalone: `The server belongs to no group and replicates from nobody: ${CONNECT_TO_REPLICA}`,
};

async function locateMember(target: Target, address: string): Promise<Located> {
  const { readiness } = await withSession(target, lookAt).catch((error: unknown) => ({
    readiness: failed('unreachable', error),
  }));
  return { address, ...readiness, target };
}

async function lookAt(db: Connection) {
  const topology = await readTopology(db);
  return { topology, readiness: judgeReadiness(topology, await readEvent(db)) };
}

/** The same database and account on another server. */
export function onServer(
  target: Target,
  { host, port }: { host: string; port: number },
): ConnectionOptions {
  // What stands beside a URL goes before what is in it.
  const elsewhere = { ...(typeof target === 'string' ? { uri: target } : target), host, port };
  // A socket leads to this machine's server only.
  delete elsewhere.socketPath;
  return elsewhere;
}

async function ownAddress(db: Connection): Promise<string> {
  const sql = 'SELECT COALESCE(@@report_host, @@hostname) AS host, @@port AS port';
  const [row] = await select<Parameters<typeof addressOf>[0]>(db, sql);
  return addressOf(row ?? { host: '', port: 0 });
}

/** For a secondary or a replica. */
export function judgeReadiness(topology: Topology, event: EventState | undefined): Readiness {
  const reason = reasonToRefuse(topology, event);
  if (reason !== undefined || event === undefined)
    return { outcome: 'refused', reason: reason ?? 'there is no event' };
  return event.status === 'ENABLED' && topology.superReadOnly
    ? { outcome: 'ready' }
    : { outcome: 'not_ready', statements: statementsFor(event.definer) };
}

/**
 * As they run, in one session. read_only stays on all the while, under which the sweep refuses;
 * nothing is written to the binary log.
 */
const statementsFor = (definer: string) => [
  'SET GLOBAL super_read_only = OFF',
  'SET SESSION sql_log_bin = 0',
  enableEvent(definer),
  'SET SESSION sql_log_bin = 1',
  'SET GLOBAL super_read_only = ON',
];

const NO_CANDIDATE: Partial<Record<Role, string>> = {
  joining: 'it is still joining its group: try again when it is ONLINE',
  outside: 'it is outside its group: START GROUP_REPLICATION first',
  primary: 'it is the primary',
  standalone: 'it replicates from nobody',
  source: 'it replicates from nobody',
};

function reasonToRefuse(topology: Topology, event: EventState | undefined): string | undefined {
  const role = roleOf(topology);
  if (role in NO_CANDIDATE) return NO_CANDIDATE[role];
  if (!topology.readOnly)
    return 'it takes writes, and an enabled event would sweep there: SET PERSIST super_read_only = ON first';
  // After a restart the event would run there, unless something keeps it away.
  if (role === 'replica' && !topology.startsReadOnly)
    return (
      'whether it is read-only after a restart can not be seen, and if not, its enabled event would sweep then: ' +
      'SET PERSIST_ONLY super_read_only = ON first'
    );
  if (topology.group?.survivesRestart === false && !topology.startsReadOnly)
    return (
      'whether it knows its group after a restart can not be seen, and if not, its enabled event would sweep then: ' +
      'SET PERSIST_ONLY group_replication_group_name, or SET PERSIST_ONLY super_read_only = ON first'
    );
  if (event === undefined)
    return 'the event order_timeout_tick is missing there: let it catch up, or deploy on the primary';
  if (event.status !== 'DISABLED') return undefined;
  return 'the event was switched off on the primary: order-timeout doctor --fix there first';
}

/**
 * Switches the event on where nothing may be written: however it ends, super_read_only is on again, unless the
 * server was promoted meanwhile. Throws an Error also when the server has made a transaction of its own meanwhile.
 */
async function enableOnReadOnly(db: Connection, target: Target, statements: readonly string[]) {
  const [before = ''] = await selectColumn(db, 'SELECT @@GLOBAL.gtid_executed');
  try {
    // All but the last, which closes the server again.
    for (const statement of statements.slice(0, -1)) await db.query(statement);
  } finally {
    await close(db).catch(() => closeOverNewConnection(target));
  }
  // A group's transactions bear the group's name, a source's bear the source's: one with our own is errant.
  const [fresh = '', uuid = ''] = await selectColumn(
    db,
    'SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, ?) AS fresh, @@GLOBAL.server_uuid AS uuid',
    [before],
  );
  if (uuid !== '' && fresh.includes(uuid))
    throw new Error(
      `somebody has written to it while super_read_only was off: ${fresh} is in its gtid_executed and nowhere else`,
    );
}

const CLOSE_RETRIES = 4;

const closeOverNewConnection = (target: Target) =>
  retrying(
    () => withSession(target, close),
    (_, retries) => (retries < CLOSE_RETRIES ? 500 : undefined),
  ).catch((error: unknown) => {
    throw new Error(
      `super_read_only could not be switched on again (${(error as Error).message}). read_only is on. ` +
        'Unless it has become the primary, run there: SET GLOBAL super_read_only = ON',
      { cause: error },
    );
  });

/** A server that has become its group's primary meanwhile must stay open. */
async function close(db: Connection): Promise<void> {
  if (roleOf(await readTopology(db)) === 'primary') return;
  await db.query('SET GLOBAL super_read_only = ON');
  if (roleOf(await readTopology(db)) !== 'primary') return;
  await db.query('SET GLOBAL super_read_only = OFF');
  await db.query('SET GLOBAL read_only = OFF');
}
