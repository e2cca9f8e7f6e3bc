import { planFailoverReady } from '../failover';
import { roleOf } from '../failover/role';
import { openSession, type Target } from '../migrate/connection';
import { DEFINER_ACCOUNT } from '../migrate/definer';
import { chooseDefiner } from '../migrate/plan-definer';
import { readSource, type Source } from '../migrate/source';
import type { DatabaseState } from '../migrate/state';
import { checkDefiner } from './checks/definer';
import { checkEvent } from './checks/event';
import { checkOthersReadiness, checkOwnReadiness } from './checks/failover';
import { checkGrants } from './checks/grants';
import { checkIndex } from './checks/index-of-sweep';
import { checkObjects } from './checks/objects';
import { checkReplication } from './checks/replication';
import { checkScheduler } from './checks/scheduler';
import { checkServerVersion } from './checks/server';
import { intendedDefiner } from './definer';
import { sortDifferences } from './differences';
import { type Facts, readFacts } from './facts';
import { fail, type Finding, warn } from './finding';
import { readHealth } from './health';
import { placeOf } from './place';

export type { Finding } from './finding';
export { fix, type FixResult } from './fix';

export interface DiagnoseOptions {
  /** What ought to be deployed; default: this package's files. */
  readonly source?: Source | undefined;
}

/**
 * Looks at everything that the order timeout depends on, from this server; on a primary also at the other members
 * of its group, with the same account. Changes nothing.
 * Throws a Refusal when no database is named, and mysql2's errors when the server can't be asked.
 */
export async function diagnose(
  target: Target,
  { source: given }: DiagnoseOptions = {},
): Promise<Finding[]> {
  const source = given ?? (await readSource());
  const db = await openSession(target);
  try {
    const facts = await readFacts(db, source);
    const server = checkServerVersion(facts.state);
    const replication = checkReplication(facts.topology);
    if (facts.state.registry === undefined) return [server, replication, notDeployed(facts.state)];
    return [
      server,
      replication,
      ...(await checkFailover(target, facts)),
      ...checkDeployed(facts),
      ...(await readHealth(db)),
    ];
  } finally {
    db.destroy();
  }
}

export const hasFailed = (findings: readonly Finding[]): boolean =>
  findings.some(({ status }) => status === 'fail');

function notDeployed({ schema }: DatabaseState): Finding {
  return fail(
    'deployment',
    `Nothing of order-timeout is deployed in ${schema}.`,
    'Is it the right database? Else order-timeout up.',
  );
}

async function checkFailover(target: Target, { topology, event }: Facts): Promise<Finding[]> {
  if (topology instanceof Error) return [];
  if (roleOf(topology) === 'primary' && topology.group?.isSinglePrimary === true) {
    return [await checkMembers(target)];
  }
  const own = checkOwnReadiness(topology, event);
  return own === undefined ? [] : [own];
}

async function checkMembers(target: Target): Promise<Finding> {
  try {
    return checkOthersReadiness(await planFailoverReady(target));
  } catch (error) {
    return warn('failover', 'The other members were not looked at.', (error as Error).message);
  }
}

/** What the decisions on the deployed objects are. */
function checkDeployed(facts: Facts): Finding[] {
  const { state, topology, source, verification } = facts;
  const place = placeOf(topology, state);
  const accounts = [...new Set(state.objects.map(({ definer }) => definer))];
  // Only an account that may deploy knows as whom the objects ought to run.
  const hasOtherDefiner = accounts.includes(DEFINER_ACCOUNT) && chooseDefiner(state) === 'deployer';
  const differences = sortDifferences(verification.differences);
  return [
    checkScheduler(
      state.server.variables.get('event_scheduler') ?? 'unknown',
      facts.hasSchedulerThread,
      place,
    ),
    checkEvent(
      facts.event,
      {
        differences: hasOtherDefiner ? [] : differences.event,
        definer: intendedDefiner(state) ?? facts.event?.definer ?? '',
      },
      place,
    ),
    checkDefiner({ accounts, lost: facts.lostDefiners, differences: differences.definer }, place),
    checkObjects(differences.objects, { version: source.version, hasOtherDefiner }, place),
    checkGrants(state, place),
    checkIndex(
      {
        indexes: [...state.tables.values()].flatMap(({ indexes }) => indexes),
        missing: differences.indexes,
        reads: facts.indexReads,
        uptimeSeconds: facts.uptimeSeconds,
      },
      place,
    ),
  ];
}
