import type { Connection } from 'mysql2/promise';
import { type Target, withSession } from '../../deploy/connection';
import { takeDeploymentLock } from '../../deploy/lock';
import { intendedDefiner, planGrants } from '../../deploy/definer';
import { planLostGrants, planObjects } from '../../deploy/objects';
import { readShop } from '../../deploy/shop';
import { readSource, type Source } from '../../deploy/source';
import { readState } from '../../deploy/state';
import {
  enableEvent,
  EVENT,
  type EventState,
  mayWrite,
  otherMembers,
  readEvent,
  readTopology,
  type Topology,
} from '../topology';

export interface FixResult {
  /** A line each; empty: there was nothing that is safe to mend. */
  readonly done: readonly string[];
  /** Why nothing was done here, or what is to be done next. */
  readonly remarks: readonly string[];
}

interface Repair {
  readonly title: string;
  readonly statements: readonly string[];
  /** It switches the event off on the other servers. */
  readonly ofEvent?: true;
}

/**
 * Mends what is safe to mend: the event missing or not enabled, privileges of the definer account lost, EXECUTE
 * grants that an interrupted deployment took away. Repeatable; does nothing on a server that takes no writes.
 * Throws DeploymentLocked while a deployment runs, TopologyUnreadable, and mysql2's errors.
 */
export function fix(target: Target, given: { source?: Source } = {}): Promise<FixResult> {
  const nothing = (why: string) => ({ done: [], remarks: [why] });
  return withSession(target, async (db) => {
    const source = given.source ?? (await readSource());
    const topology = await readTopology(db);
    if (!mayWrite(topology)) {
      return nothing('Nothing is mended on a server that takes no writes: run it on the primary.');
    }
    const { registry, schema } = await readState(db, source);
    if (registry === undefined) return nothing('Nothing is deployed here: order-timeout up.');
    try {
      await takeDeploymentLock(db, schema);
      return await mend(db, source, topology);
    } finally {
      await db.query('DO RELEASE_ALL_LOCKS()').catch(() => undefined);
    }
  });
}

async function mend(db: Connection, source: Source, topology: Topology): Promise<FixResult> {
  // Read anew under the lock: a deployment may have just ended.
  const state = await readState(db, source);
  const blueprint = await readShop(db, source, state);
  const event = await readEvent(db);
  const missing = planObjects(blueprint, state).events.map(({ statements }) => ({
    title: `The event ${EVENT} was missing and is created`,
    statements,
    ofEvent: true as const,
  }));
  const repairs: Repair[] = [
    ...planGrants(blueprint, state),
    ...planLostGrants(state),
    ...(event === undefined
      ? missing
      : enableAsIntended(event, intendedDefiner(state) ?? event.definer)),
  ];
  const done: Repair[] = [];
  const remarks: string[] = [];
  for (const repair of repairs) {
    try {
      for (const statement of repair.statements) await db.query(statement);
      done.push(repair);
    } catch (error) {
      remarks.push(`Not done: ${repair.title}: ${(error as Error).message}`);
    }
  }
  const hasOthers = otherMembers(topology).length > 0 || topology.replicas > 0;
  if (hasOthers && done.some(({ ofEvent }) => ofEvent)) {
    remarks.push(
      'That has switched the event off on the other servers: order-timeout failover-ready makes them ready again.',
    );
  }
  return { done: done.map(({ title }) => title), remarks };
}

function* enableAsIntended({ status, definer }: EventState, intended: string): Generator<Repair> {
  const was = [
    ...(status === 'ENABLED' ? [] : [`was ${status}`]),
    ...(definer === intended ? [] : [`ran as ${definer}`]),
  ];
  if (was.length > 0)
    yield {
      title: `The event ${EVENT} ${was.join(' and ')}, and is enabled as ${intended}`,
      statements: [enableEvent(intended)],
      ofEvent: true,
    };
}
