import type { Connection } from 'mysql2/promise';
import { type Target, withSession } from '../../deploy/connection';
import type { Step } from '../../deploy/step';
import { withDeploymentLock } from '../../deploy/lock';
import { intendedDefiner, planGrants, planRevokes } from '../../deploy/definer';
import { planLostGrants, planObjects } from '../../deploy/plan';
import { claimObjects } from '../../deploy/registry';
import { readShop } from '../../deploy/shop';
import { readSource, type Source } from '../../deploy/source';
import { asDeployed, findDeployed, readState } from '../../deploy/state';
import {
  enableEvent,
  EVENT,
  EVENT_KEY,
  type EventState,
  mayWrite,
  otherMembers,
  readTopology,
  type Topology,
} from '../topology';

export interface FixResult {
  /** A line each; empty: there was nothing that is safe to mend. */
  readonly done: readonly string[];
  /** Why nothing was done here, or what is to be done next. */
  readonly remarks: readonly string[];
}

const nothing = (why: string): FixResult => ({ done: [], remarks: [why] });

/**
 * Mends what is safe to mend: the event missing or not enabled, privileges of the definer account lost, EXECUTE
 * grants that an interrupted deployment took away. Repeatable; does nothing on a server that takes no writes.
 * Throws DeploymentLocked while a deployment runs, TopologyUnreadable, and mysql2's errors.
 */
export function fix(target: Target, given: { source?: Source } = {}): Promise<FixResult> {
  return withSession(target, async (db) => {
    const topology = await readTopology(db);
    if (!mayWrite(topology)) {
      return nothing('Nothing is mended on a server that takes no writes: run it on the primary.');
    }
    return withDeploymentLock(db, async () => mend(db, given.source ?? readSource(), topology));
  });
}

async function mend(db: Connection, source: Source, topology: Topology): Promise<FixResult> {
  const state = asDeployed(await readState(db, source));
  if (state.registry === undefined) return nothing('Nothing is deployed here: order-timeout up.');
  const blueprint = await readShop(db, source, state);
  const event = findDeployed(state, EVENT_KEY);
  const { routines, events } = planObjects(blueprint, state);
  // Of a shop that will not do nothing can be filled: then all that is registered looks as if it were no longer ours.
  const isFilled = blueprint.objects.length > 0;
  const ofEvent: readonly Step[] =
    event === undefined
      ? (isFilled ? events : []).map(createRegistered)
      : [...enableAsIntended(event, intendedDefiner(state) ?? event.definer)];
  const done: Step[] = [];
  const remarks = isFilled ? [] : ["The shop's tables will not do: first mend what objects says."];
  const steps = [
    ...planGrants(blueprint, state),
    // What is deployed of another version, or of a file that is deployed in part, needs what it has.
    ...(routines.length === 0 ? planRevokes(blueprint, state) : []),
    ...planLostGrants(state),
    ...ofEvent,
  ];
  for (const step of steps) {
    try {
      for (const statement of step.statements) await db.query(statement);
      done.push(step);
    } catch (error) {
      remarks.push(`Not done: ${step.title}: ${(error as Error).message}`);
    }
  }
  const hasOthers = otherMembers(topology).length > 0 || topology.replicas > 0;
  if (hasOthers && ofEvent.some((step) => done.includes(step))) {
    remarks.push(
      'That has switched the event off on the other servers: order-timeout failover-ready makes them ready again.',
    );
  }
  return { done: done.map((step) => step.title), remarks };
}

/** A deployment that was cut short may not have registered it: the next one would take it for somebody else's. */
const createRegistered = (step: Step): Step => ({
  title: `The event ${EVENT} was missing and is created`,
  statements: [claimObjects([EVENT_KEY]), ...step.statements],
});

function* enableAsIntended({ status, definer }: EventState, intended: string): Generator<Step> {
  const was = [
    ...(status === 'ENABLED' ? [] : [`was ${status}`]),
    ...(definer === intended ? [] : [`ran as ${definer}`]),
  ];
  if (was.length > 0)
    yield {
      title: `The event ${EVENT} ${was.join(' and ')}, and is enabled as ${intended}`,
      statements: [enableEvent(intended)],
    };
}
