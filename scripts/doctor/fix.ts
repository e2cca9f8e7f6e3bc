import type { Connection } from 'mysql2/promise';
import { EVENT, enableEvent, type EventState, readEvent } from '../failover/event';
import { otherMembers, roleOf } from '../failover/role';
import { readTopology, type Topology } from '../failover/topology';
import { openSession, type Target } from '../migrate/connection';
import { takeDeploymentLock } from '../migrate/lock';
import { chooseDefiner, definerDifferences, planGrants } from '../migrate/plan-definer';
import { planObjects } from '../migrate/plan-objects';
import { quoteString } from '../migrate/quote';
import { OBJECT_TABLE } from '../migrate/registry';
import { readSource, type Source } from '../migrate/source';
import { type DatabaseState, readState } from '../migrate/state';
import { intendedDefiner } from './definer';
import { placeOf } from './place';

export interface FixResult {
  /** A line each; empty: there was nothing that is safe to mend. */
  readonly done: readonly string[];
  /** Why nothing was done here, or what is to be done next. */
  readonly remarks: readonly string[];
}

interface Repair {
  readonly title: string;
  readonly statements: readonly string[];
}

/**
 * Mends what is safe to mend: the event missing or not enabled, privileges of the definer account lost, EXECUTE
 * grants that an interrupted deployment took away. Repeatable; does nothing on a server that takes no writes.
 * Throws DeploymentLocked while a deployment runs, TopologyUnreadable, and mysql2's errors.
 */
export async function fix(
  target: Target,
  { source: given }: { source?: Source | undefined } = {},
): Promise<FixResult> {
  const source = given ?? (await readSource());
  const db = await openSession(target);
  try {
    const topology = await readTopology(db);
    const state = await readState(db, source);
    if (!placeOf(topology, state).isOpen) {
      return {
        done: [],
        remarks: ['Nothing is mended on a server that takes no writes: run it on the primary.'],
      };
    }
    if (state.registry === undefined) {
      return { done: [], remarks: ['Nothing is deployed here: order-timeout up.'] };
    }
    await takeDeploymentLock(db, state.schema);
    return await mend(db, source, topology);
  } finally {
    await db.query('DO RELEASE_ALL_LOCKS()').catch(() => undefined);
    db.destroy();
  }
}

async function mend(db: Connection, source: Source, topology: Topology): Promise<FixResult> {
  // Read anew under the lock: a deployment may have just ended.
  const state = await readState(db, source);
  const event = await readEvent(db);
  const repairs = [
    ...repairDefiner(source, state),
    ...repairExecuteGrants(state),
    ...(event === undefined ? createEvent(source, state) : []),
    ...(event === undefined ? [] : repairEvent(event, intendedDefiner(state) ?? event.definer)),
  ];
  const done: string[] = [];
  const remarks: string[] = [];
  for (const { title, statements } of repairs) {
    try {
      for (const statement of statements) await db.query(statement);
      done.push(title);
    } catch (error) {
      remarks.push(`Not done: ${title}: ${(error as Error).message}`);
    }
  }
  const hasTouchedEvent = done.some((title) => title.includes(EVENT));
  return { done, remarks: [...remarks, ...(hasTouchedEvent ? nextStep(topology) : [])] };
}

function repairDefiner(source: Source, state: DatabaseState): Repair[] {
  const definer = chooseDefiner(state);
  const isLacking = definerDifferences(source, state).some((line) => !line.startsWith('has more'));
  if (definer === 'deployer' || !isLacking) return [];
  return planGrants(source, state, definer).map(({ title, statements }) => ({
    title: `Restored: ${title}`,
    statements,
  }));
}

/** Of procedures that are there; the rest is for a deployment. */
function repairExecuteGrants({ registry, objects }: DatabaseState): Repair[] {
  return (registry?.objects ?? [])
    .filter(({ kind, name, grantsToRestore }) => {
      const isThere = objects.some((object) => object.kind === kind && object.name === name);
      return isThere && grantsToRestore.length > 0;
    })
    .map(({ name, grantsToRestore }) => ({
      title: `The grants on ${name} are given back`,
      statements: [
        ...grantsToRestore,
        `UPDATE ${OBJECT_TABLE} SET grants_to_restore = NULL WHERE kind = 'procedure' AND name = ${quoteString(name)}`,
      ],
    }));
}

function repairEvent({ status, definer }: EventState, intended: string): Repair[] {
  if (status === 'ENABLED' && definer === intended) return [];
  const was = [
    ...(status === 'ENABLED' ? [] : [`was ${status}`]),
    ...(definer === intended ? [] : [`ran as ${definer}`]),
  ];
  return [
    {
      title: `The event ${EVENT} ${was.join(' and ')}, and is enabled as ${intended}`,
      statements: [enableEvent(intended)],
    },
  ];
}

function createEvent(source: Source, state: DatabaseState): Repair[] {
  return planObjects(source, state, chooseDefiner(state)).events.map(({ statements }) => ({
    title: `The event ${EVENT} was missing and is created`,
    statements,
  }));
}

function nextStep(topology: Topology): string[] {
  const hasOthers = otherMembers(topology).length > 0 || topology.replicas > 0;
  return hasOthers
    ? [
        `That has switched the event off on the other ${roleOf(topology) === 'primary' ? 'members' : 'servers'}: ` +
          'order-timeout failover-ready makes them ready again.',
      ]
    : [];
}
