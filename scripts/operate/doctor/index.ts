import { type Target, withSession } from '../../deploy/connection';
import { readSource, type Source } from '../../deploy/source';
import {
  checkCallers,
  checkDefiner,
  checkEvent,
  checkIndexes,
  checkLastSweep,
  checkObjects,
} from './deployment-checks';
import { type Facts, type Finding, findingsAbout, readFacts } from './facts';
import { checkReplication, checkScheduler, checkServer } from './server-checks';
import { checkFailover, checkHealth, checkLockWaits } from './work-checks';

export type { Finding } from './facts';
export { fix, type FixResult } from './fix';

/**
 * Looks at everything that the order timeout depends on, from this server; on a primary also at the other members
 * of its group, with the same account. Changes nothing. `source`: what ought to be deployed.
 * Throws a Refusal when no database is named, and mysql2's errors when the server can't be asked.
 */
export function diagnose(target: Target, { source }: { source?: Source } = {}): Promise<Finding[]> {
  return withSession(target, async (db) => {
    const facts = await readFacts(db, source ?? readSource());
    const server = [...checkServer(facts), checkReplication(facts)];
    if (facts.state.registry === undefined) return [...server, notDeployed(facts)];
    return [
      ...server,
      ...(await checkFailover(target, facts)),
      checkScheduler(facts),
      ...checkEvent(facts),
      ...checkLastSweep(facts),
      ...checkDefiner(facts),
      ...checkObjects(facts),
      ...checkCallers(facts),
      ...checkIndexes(facts),
      ...checkLockWaits(facts),
      ...(await checkHealth(db)),
    ];
  });
}

export const hasFailed = (findings: readonly Finding[]): boolean =>
  findings.some(({ severity }) => severity === 'fail');

const notDeployed = ({ state: { schema } }: Facts) =>
  findingsAbout('deployment').fail(
    `Nothing of order-timeout is deployed in ${schema}.`,
    'Is it the right database? Else order-timeout up.',
  );
