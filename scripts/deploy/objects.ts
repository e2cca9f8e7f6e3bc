import { DEFINER_SQL, grantsOnView } from './definer';
import { type Finding, remark } from './errors';
import { sweepLock } from './lock';
import {
  claimObjects,
  findRegistered,
  keepGrants,
  registerObject,
  unregisterObject,
} from './registry';
import { disabled, type FilledObject, type ObjectKind, statementsOf, usedViews } from './source';
import type { Blueprint } from './shop';
import { type DatabaseState, findDeployed, type RoutineGrant } from './state';
import type { Step } from './execute';
import { checksum, enumerate, quoteName, quoteString } from './text';

/** A sweep ends within its time budget, which is under a minute. */
const SWEEP_WAIT_SECONDS = 60;

/** The steps that bring functions, views and procedures, and then the event, to this version's files. */
export function planObjects(blueprint: Blueprint, state: DatabaseState) {
  const stale = staleObjects(blueprint, state);
  const removed = removedObjects(blueprint, state);
  const used = state.isDedicated ? usedViews(blueprint.objects) : [];
  const stepsFor = (isEvent: boolean): Step[] => [
    ...stale
      .filter(({ object }) => (object.kind === 'event') === isEvent)
      .map(({ object, reason }) => ({
        title: `${object.kind} ${object.name}: ${reason}`,
        locks: object.name,
        statements: deployStatements(object, state, blueprint.version, used.includes(object.name)),
      })),
    ...removed.filter(({ kind }) => (kind === 'event') === isEvent).map(dropStep),
  ];
  const claim: Step = {
    title: 'register what is about to be deployed',
    statements: [claimObjects(stale.map(({ object }) => object))],
  };
  return {
    claim: stale.length === 0 ? [] : [claim],
    routines: withoutSweep(stepsFor(false), state),
    events: stepsFor(true),
  };
}

const definerOf = ({ isDedicated }: DatabaseState) => (isDedicated ? DEFINER_SQL : 'CURRENT_USER');

/** Of the filled text and the account that it runs as. */
export const checksumOf = ({ text }: FilledObject, state: DatabaseState) =>
  checksum(text, definerOf(state));

const staleObjects = ({ objects }: Blueprint, state: DatabaseState) =>
  objects.flatMap((object) => {
    const reason = reasonToDeploy(object, state);
    return reason === undefined ? [] : [{ object, reason }];
  });

/** Undefined: the database has it as it should be. */
function reasonToDeploy(object: FilledObject, state: DatabaseState): string | undefined {
  const registered = findRegistered(state.registry, object);
  const deployed = findDeployed(state, object);
  if (deployed === undefined) return registered?.checksum == null ? 'new' : 'is missing';
  if (registered?.checksum == null) return 'deployment was not completed';
  if (registered.grantsToRestore.length > 0) return 'grants have to be restored';
  if (registered.checksum !== checksumOf(object, state)) return 'changed';
  return isDrifted(object, state) ? 'was changed since its deployment' : undefined;
}

/** Whether the server says something else of it than after its deployment. An event's state is the operator's. */
export function isDrifted(object: FilledObject, state: DatabaseState): boolean {
  const { fingerprint = null } = findDeployed(state, object) ?? {};
  return (
    fingerprint !== null && fingerprint !== findRegistered(state.registry, object)?.fingerprint
  );
}

/** What earlier versions, or this one for another shop file, deployed. */
export function removedObjects({ objects }: Blueprint, { registry }: DatabaseState) {
  return (registry?.objects ?? []).filter(
    (row): row is typeof row & { kind: ObjectKind } =>
      row.kind !== 'table' &&
      row.kind !== 'grants' &&
      !objects.some(({ kind, name }) => kind === row.kind && name === row.name),
  );
}

function deployStatements(
  object: FilledObject,
  state: DatabaseState,
  version: string,
  isUsed: boolean,
): string[] {
  const { kind, name } = object;
  const grants = isRoutine(kind) ? grantsToKeep(object, state) : [];
  const statements = statementsOf(object, definerOf(state));
  const isSwitchedOff = findDeployed(state, object)?.status === 'DISABLED';
  return [
    ...(grants.length > 0 ? [keepGrants(object, grants)] : []),
    ...(isSwitchedOff ? statements.map(disabled) : statements),
    ...grants,
    ...(kind === 'view' && isUsed ? grantsOnView(state, name) : []),
    registerObject(object, checksumOf(object, state), version),
  ];
}

const isRoutine = (kind: ObjectKind) => kind === 'procedure' || kind === 'function';

/** Those that the DROP takes away, and those that an interrupted deployment took. */
function grantsToKeep({ kind, name }: FilledObject, state: DatabaseState): string[] {
  const kept = findRegistered(state.registry, { kind, name })?.grantsToRestore ?? [];
  const routine = `${kind.toUpperCase()} ${quoteName(state.schema)}.${quoteName(name)}`;
  const present = (state.routineGrants?.get(`${kind} ${name}`) ?? []).flatMap((grant) =>
    routineGrantStatements(routine, grant, state.account),
  );
  return [...new Set([...kept, ...present])];
}

/** None for what the server itself gives to whoever creates the routine. */
function routineGrantStatements(
  routine: string,
  { user, host, privileges }: RoutineGrant,
  deployer: string,
): string[] {
  const isGrantable = privileges.includes('Grant');
  if (!isGrantable && `${user}@${host}` === deployer) return [];
  const names = privileges.filter((name) => name !== 'Grant').map((name) => name.toUpperCase());
  return [
    `GRANT ${names.join(', ') || 'USAGE'} ON ${routine}` +
      ` TO ${quoteString(user)}@${quoteString(host)}${isGrantable ? ' WITH GRANT OPTION' : ''}`,
  ];
}

/** Says that grants on routines can't be kept, when this account can't read them and routines are to be replaced. */
export function* describeLostGrants(
  blueprint: Blueprint,
  state: DatabaseState,
): Generator<Finding> {
  const replaced = staleObjects(blueprint, state)
    .filter(({ object }) => isRoutine(object.kind) && findDeployed(state, object) !== undefined)
    .map(({ object }) => object.name);
  if (state.routineGrants === undefined && replaced.length > 0)
    yield remark(
      'grants',
      `Replacing a routine deletes the grants on it, and ${state.account} may not read them to restore them`,
      `grant EXECUTE again on ${enumerate(replaced)}, or deploy with SELECT on mysql.procs_priv`,
    );
}

/** What an interrupted deployment took away and did not give back. */
export const lostGrants = ({ registry }: DatabaseState) =>
  (registry?.objects ?? []).filter(({ grantsToRestore }) => grantsToRestore.length > 0);

/** The steps that give it back, where the routine is there. */
export function planLostGrants(state: DatabaseState): Step[] {
  return lostGrants(state)
    .filter((row) => findDeployed(state, row) !== undefined)
    .map((row) => ({
      title: `grants on ${row.name}: given back`,
      statements: [...row.grantsToRestore, keepGrants(row, [])],
    }));
}

const dropStep = ({ kind, name }: { kind: ObjectKind; name: string }): Step => ({
  title: `${kind} ${name}: no longer part of order-timeout`,
  locks: name,
  statements: [
    `DROP ${kind.toUpperCase()} IF EXISTS ${quoteName(name)}`,
    unregisterObject({ kind, name }),
  ],
});

/** While routines are being replaced, no sweep may run half old and half new. */
function withoutSweep(steps: readonly Step[], { objects, schema }: DatabaseState): Step[] {
  const hasSweep = objects.some(({ kind }) => kind === 'event');
  if (steps.length === 0 || !hasSweep) return [...steps];
  const lock = quoteString(sweepLock(schema));
  return [
    {
      title: 'keep the sweep away',
      statements: [`DO GET_LOCK(${lock}, ${SWEEP_WAIT_SECONDS})`],
    },
    ...steps,
    { title: 'let the sweep run again', statements: [`DO RELEASE_LOCK(${lock})`] },
  ];
}
