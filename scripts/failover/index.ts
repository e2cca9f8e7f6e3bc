import { openSession, type Target } from '../migrate/connection';
import { Refusal } from '../migrate/errors';
import { enableOnReadOnly } from './enable';
import { readEvent } from './event';
import { judgeReadiness, type Readiness } from './readiness';
import { addressOf, otherMembers, ownMembership, roleOf } from './role';
import { onServer } from './targets';
import { readTopology, type Topology } from './topology';

/** A server that may be promoted. */
export interface Candidate {
  /** host:port, as its group knows it; of a replica what it was reached by. */
  readonly address: string;
  readonly readiness: Readiness | { readonly verdict: 'unreachable'; readonly reason: string };
}

/** What there is to be done, and what is done already. */
export interface FailoverPlan {
  readonly role: 'primary' | 'secondary' | 'replica';
  readonly candidates: readonly Candidate[];
}

export interface FailoverResult {
  readonly outcome: 'done' | 'nothing_to_do' | 'declined';
  readonly candidates: readonly CandidateResult[];
}

export interface CandidateResult {
  readonly address: string;
  /** `ready`: it was before. */
  readonly outcome: 'made_ready' | 'ready' | 'not_ready' | 'refused' | 'unreachable' | 'failed';
  /** Why, when it isn't ready. */
  readonly reason?: string;
}

export interface FailoverOptions {
  /** Asked before anything is changed; false leaves everything as it is. Without it nobody is asked. */
  readonly confirm?: ((plan: FailoverPlan) => Promise<boolean>) | undefined;
}

interface Located extends Candidate {
  readonly target: Target;
  readonly definer: string;
}

/**
 * Looks at every secondary of the group of which the target is a member, or at the replica that the target is.
 * Changes nothing. Throws a Refusal when the target is neither, TopologyUnreadable, and mysql2's errors.
 */
export async function planFailoverReady(target: Target): Promise<FailoverPlan> {
  const { role, candidates } = await locate(target);
  return {
    role,
    candidates: candidates.map(({ address, readiness }) => ({ address, readiness })),
  };
}

/**
 * Has the event enabled on every server that may be promoted, so that the sweep goes on by itself there.
 * Repeatable. One server that fails does not stop the others. Throws as planFailoverReady() does.
 */
export async function failoverReady(
  target: Target,
  { confirm }: FailoverOptions = {},
): Promise<FailoverResult> {
  const plan = await locate(target);
  const isNeeded = plan.candidates.some(({ readiness }) => readiness.verdict === 'not_ready');
  if (!isNeeded) {
    return { outcome: 'nothing_to_do', candidates: plan.candidates.map(untouched) };
  }
  if (confirm !== undefined && !(await confirm(plan))) {
    return { outcome: 'declined', candidates: plan.candidates.map(untouched) };
  }
  const candidates: CandidateResult[] = [];
  // One after the other: at any moment all but one are closed.
  for (const candidate of plan.candidates) candidates.push(await makeReady(candidate));
  return { outcome: 'done', candidates };
}

async function makeReady(candidate: Located): Promise<CandidateResult> {
  const { address, readiness, target, definer } = candidate;
  if (readiness.verdict !== 'not_ready') return untouched(candidate);
  try {
    // It may have been promoted since it was looked at.
    const now = await look(target);
    if (now.readiness.verdict !== 'not_ready') return untouched({ ...candidate, ...now });
    await enableOnReadOnly(target, definer);
    return { address, outcome: 'made_ready' };
  } catch (error) {
    return { address, outcome: 'failed', reason: (error as Error).message };
  }
}

function untouched({ address, readiness }: Candidate): CandidateResult {
  return 'reason' in readiness
    ? { address, outcome: readiness.verdict, reason: readiness.reason }
    : { address, outcome: readiness.verdict };
}

async function locate(target: Target): Promise<{
  role: FailoverPlan['role'];
  candidates: Located[];
}> {
  const topology = await look(target).then((seen) => seen.topology);
  const role = roleOf(topology);
  if (role === 'replica') {
    return { role, candidates: [await locateOne(target, await ownAddress(target))] };
  }
  if (role !== 'primary' && role !== 'secondary') throw new Refusal([refusalOf(role)]);
  if (topology.group?.isSinglePrimary === false) {
    throw new Refusal([
      'The group has several primaries: the event runs on one of them, and there is nobody to be promoted. ' +
        'Should that one be lost: order-timeout doctor --fix on another',
    ]);
  }
  const own = ownMembership(topology);
  const secondaries = [
    ...otherMembers(topology)
      .filter((member) => member.role !== 'PRIMARY')
      .map((member) => locateOne(onServer(target, member), addressOf(member))),
    ...(role === 'secondary' && own !== undefined ? [locateOne(target, addressOf(own))] : []),
  ];
  return { role, candidates: await Promise.all(secondaries) };
}

function refusalOf(role: 'standalone' | 'source' | 'joining' | 'outside'): string {
  switch (role) {
    case 'outside':
      return 'The server is outside its group: START GROUP_REPLICATION there, or connect to another member';
    case 'joining':
      return 'The server is still joining its group: try again when it is ONLINE';
    case 'source':
      return 'The server is a source: connect to the replica that is to take over, and run it there';
    case 'standalone':
      return 'The server belongs to no group and replicates from nobody: connect to the replica that is to take over';
  }
}

async function locateOne(target: Target, address: string): Promise<Located> {
  try {
    const { readiness, definer } = await look(target);
    return { address, readiness, target, definer };
  } catch (error) {
    return {
      address,
      readiness: { verdict: 'unreachable', reason: (error as Error).message },
      target,
      definer: '',
    };
  }
}

interface Seen {
  readonly topology: Topology;
  readonly readiness: Readiness;
  readonly definer: string;
}

async function look(target: Target): Promise<Seen> {
  const db = await openSession(target);
  try {
    const topology = await readTopology(db);
    const event = await readEvent(db);
    return {
      topology,
      readiness: judgeReadiness(topology, event),
      definer: event?.definer ?? '',
    };
  } finally {
    db.destroy();
  }
}

async function ownAddress(target: Target): Promise<string> {
  const db = await openSession(target);
  try {
    const [rows] = await db.query(
      'SELECT COALESCE(@@report_host, @@hostname) AS host, @@port AS port',
    );
    const [row] = rows as { host: string; port: number }[];
    return addressOf(row ?? { host: '', port: 0 });
  } finally {
    db.destroy();
  }
}
