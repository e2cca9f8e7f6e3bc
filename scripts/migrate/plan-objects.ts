import { type Definer, definerSql } from './definer';
import { grantStatement, usedViews, viewGrant } from './grants';
import { sweepLock } from './lock';
import { differences, findDeployed, type RenderedObject, renderObject } from './objects';
import { enumerate, quoteName, quoteString } from './quote';
import { claimObjects, keepGrants, registerObject, unregisterObject, viewHash } from './registry';
import { disabled } from './render';
import type { ObjectKind, Source } from './source';
import type { DatabaseState, RoutineGrant } from './state';
import type { Step } from './steps';

/** The steps that bring views, procedures and the event to this version's files. */
export interface ObjectSteps {
  readonly claim: readonly Step[];
  readonly views: readonly Step[];
  readonly procedures: readonly Step[];
  readonly events: readonly Step[];
}

/** A sweep ends within its time budget, which is under a minute. */
const SWEEP_WAIT_SECONDS = 60;

export function planObjects(source: Source, state: DatabaseState, definer: Definer): ObjectSteps {
  const stale = source.objects
    .map((object) => renderObject(object, state, definerSql(definer)))
    .map((object) => ({ object, reason: reasonToDeploy(object, state, definer) }))
    .filter(({ reason }) => reason !== undefined);
  const removed = removedObjects(source, state);

  const claim =
    stale.length === 0
      ? []
      : [
          {
            title: 'register what is about to be deployed',
            statements: [claimObjects(stale.map(({ object }) => object))],
          },
        ];
  const stepsOf = (kind: ObjectKind) => [
    ...stale
      .filter(({ object }) => object.kind === kind)
      .map(({ object, reason = '' }) => deployStep(object, reason, state, { definer, source })),
    ...removed.filter((object) => object.kind === kind).map(dropStep),
  ];
  return {
    claim,
    views: stepsOf('view'),
    procedures: withoutSweep(stepsOf('procedure'), state),
    events: stepsOf('event'),
  };
}

/** Says that grants on procedures can't be kept, when this account can't read them and procedures are to be replaced. */
export function describeLostGrants(
  source: Source,
  state: DatabaseState,
  definer: Definer,
): string[] {
  if (state.routineGrants !== undefined) return [];
  const replaced = source.objects
    .filter((object) => object.kind === 'procedure' && findDeployed(object, state) !== undefined)
    .map((object) => renderObject(object, state, definerSql(definer)))
    .filter((object) => reasonToDeploy(object, state, definer) !== undefined)
    .map(({ name }) => name);
  return replaced.length === 0
    ? []
    : [
        `Replacing a procedure deletes the grants on it, and ${state.account} may not read them to restore them: ` +
          `grant EXECUTE again on ${enumerate(replaced)}, or deploy with SELECT on mysql.procs_priv`,
      ];
}

/** Undefined: the database has it as it should be. */
export function reasonToDeploy(
  object: RenderedObject,
  state: DatabaseState,
  definer: Definer,
): string | undefined {
  const registered = state.registry?.objects.find(
    ({ kind, name }) => kind === object.kind && name === object.name,
  );
  if (findDeployed(object, state) === undefined) return 'new';
  if (registered === undefined || registered.checksum === null)
    return 'deployment was not completed';
  if (registered.grantsToRestore.length > 0) return 'grants have to be restored';
  if (registered.checksum !== object.checksum) return 'changed';
  return differences(object, state, definer)[0];
}

function removedObjects(source: Source, { registry }: DatabaseState) {
  const current = new Set(source.objects.map(({ kind, name }) => `${kind} ${name}`));
  return (registry?.objects ?? []).filter(
    (row): row is typeof row & { kind: ObjectKind } =>
      row.kind !== 'table' && row.kind !== 'grants' && !current.has(`${row.kind} ${row.name}`),
  );
}

function deployStep(
  object: RenderedObject,
  reason: string,
  state: DatabaseState,
  { definer, source }: { definer: Definer; source: Source },
): Step {
  const { kind, name } = object;
  const grants = kind === 'procedure' ? grantsToKeep(object, state) : [];
  const needsGrant =
    kind === 'view' && definer === 'dedicated' && usedViews(source.objects).includes(name);
  const isSwitchedOff = findDeployed(object, state)?.status === 'DISABLED';
  return {
    title: `${kind} ${name}: ${reason}`,
    statements: [
      ...(grants.length > 0 ? [keepGrants(object, grants)] : []),
      ...(isSwitchedOff ? object.statements.map(disabled) : object.statements),
      ...grants,
      ...(needsGrant ? [grantStatement(state.schema, viewGrant(name))] : []),
      registerObject(
        object,
        object.checksum,
        source.version,
        kind === 'view' ? viewHash(name) : undefined,
      ),
    ],
  };
}

/** Those that the DROP takes away, and those that an interrupted deployment took. */
function grantsToKeep({ name }: RenderedObject, state: DatabaseState): string[] {
  const kept = state.registry?.objects.find((row) => row.kind === 'procedure' && row.name === name);
  const present = (state.routineGrants?.get(name) ?? [])
    .map((grant) => routineGrantStatement(state.schema, name, grant, state.account))
    .filter((statement) => statement !== undefined);
  return [...new Set([...(kept?.grantsToRestore ?? []), ...present])];
}

/** Undefined for what the server itself gives to whoever creates the procedure. */
function routineGrantStatement(
  schema: string,
  procedure: string,
  { user, host, privileges }: RoutineGrant,
  deployer: string,
): string | undefined {
  const grantable = privileges.includes('Grant');
  if (!grantable && `${user}@${host}` === deployer) return undefined;
  const names = privileges
    .filter((privilege) => privilege !== 'Grant')
    .map((name) => name.toUpperCase());
  return (
    `GRANT ${names.join(', ') || 'USAGE'} ON PROCEDURE ${quoteName(schema)}.${quoteName(procedure)}` +
    ` TO ${quoteString(user)}@${quoteString(host)}${grantable ? ' WITH GRANT OPTION' : ''}`
  );
}

function dropStep({ kind, name }: { kind: ObjectKind; name: string }): Step {
  return {
    title: `${kind} ${name}: no longer part of order-timeout`,
    statements: [
      `DROP ${kind.toUpperCase()} IF EXISTS ${quoteName(name)}`,
      unregisterObject({ kind, name }),
    ],
  };
}

/** While procedures are being replaced, no sweep may run half old and half new. */
function withoutSweep(steps: readonly Step[], state: DatabaseState): Step[] {
  const hasSweep = state.objects.some(({ kind }) => kind === 'event');
  if (steps.length === 0 || !hasSweep) return [...steps];
  const lock = quoteString(sweepLock(state.schema));
  return [
    {
      title: 'keep the sweep away',
      statements: [`DO GET_LOCK(${lock}, ${SWEEP_WAIT_SECONDS})`],
    },
    ...steps,
    { title: 'let the sweep run again', statements: [`DO RELEASE_LOCK(${lock})`] },
  ];
}
