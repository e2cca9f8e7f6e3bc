import { accountInSql, DEFINER_SQL } from './account';
import { grantsOnView, planGrants, planRevokes } from './definer';
import { remark } from './errors';
import type { Plan, Step } from './step';
import { sweepLock } from './lock';
import {
  claimObjects,
  CREATE_REGISTRY,
  findNewer,
  findRegistered,
  keepGrants,
  logMigration,
  type Registry,
  registerObject,
  registerTables,
  registerVersion,
  unlogMigration,
  unregisterObject,
} from './registry';
import { type Blueprint, type Rename, SETTLING } from './shop';
import {
  disabled,
  dropStatement,
  type ObjectSource,
  type ObjectKind,
  ownTables,
  statementsOf,
  usedViews,
} from './source';
import { type DatabaseState, findDeployed, isMissing, type RoutineGrant } from './state';
import { planIndexes } from './tables';
import { checksum, enumerate, quoteName, quoteString, requireThat, splitStatements } from './text';

/** What an operator sets at a deployment. Undefined: as it is. */
export interface NewSetting {
  /** UTC offset of the clock in which the shop writes its DATETIMEs, such as +08:00. */
  readonly clock?: string | undefined;
  readonly paused?: boolean | undefined;
}

/**
 * What has to be done so that the database is as this version wants it. Empty: it is.
 * The indexes come first: a DBA may make them beforehand, and then they are not part of it.
 */
export function planUp(blueprint: Blueprint, state: DatabaseState, setting: NewSetting = {}): Plan {
  const { registry } = state;
  const applied = new Set(registry?.migrations.map(({ name }) => name));
  const pending = blueprint.migrations.filter(({ name }) => !applied.has(name));
  const objects = planObjects(blueprint, state);
  const newRegistry = { title: 'registry of what is deployed', statements: CREATE_REGISTRY };
  const oldVersion = {
    title: `register version ${blueprint.version}`,
    statements: [registerVersion(blueprint.version)],
  };
  return {
    before: [
      ...planIndexes(blueprint.indexes, blueprint.tables),
      ...(registry === undefined ? [newRegistry] : []),
    ],
    migrations: pending.map((migration) => ({
      title: `migration ${migration.name}`,
      migration: migration.name,
      statements: [...splitStatements(migration.up), logMigration(migration, blueprint.version)],
    })),
    after: [
      ...planTables(blueprint, state, pending.length > 0),
      ...planSetting(state, setting),
      ...objects.claim,
      ...blueprint.keepFile,
      ...planGrants(blueprint, state),
      ...objects.routines,
      ...objects.events,
      ...planRevokes(blueprint, state),
      ...planForgotten(blueprint, registry?.migrations ?? []),
      ...(findNewer(registry, blueprint.version) === undefined ? [] : [oldVersion]),
    ],
  };
}

/** What a newer version's files added stays. Its next deployment runs them again, and finds what is there. */
const planForgotten = ({ migrations }: Blueprint, applied: Registry['migrations']): Step[] =>
  applied
    .filter(({ name }) => !migrations.some((migration) => migration.name === name))
    .map(({ name }) => ({
      title: `migration ${name}: what it added stays, a newer version runs it again`,
      statements: [unlogMigration(name)],
    }));

function* planTables(blueprint: Blueprint, { registry }: DatabaseState, isChanged: boolean) {
  const tables = ownTables(blueprint);
  const sum = checksum(...blueprint.migrations.map((migration) => migration.checksum));
  const isRegistered = (name: string) =>
    findRegistered(registry, { kind: 'table', name })?.checksum === sum;
  if (tables.length > 0 && (isChanged || !tables.every(isRegistered)))
    yield {
      title: 'register the tables',
      statements: [registerTables(tables, sum, blueprint.version)],
    };
}

function* planSetting({ setting }: DatabaseState, { clock, paused }: NewSetting): Generator<Step> {
  const isMoved = clock !== undefined && clock !== setting?.clock;
  const isPaused = paused !== undefined && Number(paused) !== setting?.paused;
  const changes = [
    ...(isMoved ? [`clock = ${quoteString(clock)}`] : []),
    ...(isPaused ? [`paused = ${Number(paused)}`] : []),
  ];
  const change =
    isMoved && setting !== undefined
      ? moveClock(setting.clock, clock, changes)
      : `UPDATE order_timeout_setting SET ${changes.join(', ')} WHERE id = 1`;
  if (changes.length > 0) yield { title: `setting ${changes.join(', ')}`, statements: [change] };
}

/**
 * A hold ends at the moment that somebody was promised, and a failed order is tried again when it was to be, whatever
 * the clock. One statement with the setting: repeated after a crash it would move them again.
 */
function moveClock(from: string, to: string, changes: readonly string[]): string {
  const moved = (column: string) =>
    `${column} = CONVERT_TZ(${column}, ${quoteString(from)}, ${quoteString(to)})`;
  const times = [
    'hold.held_until',
    'hold.held_at',
    'failure.first_failed_at',
    'failure.last_failed_at',
    'failure.retry_at',
    'heartbeat.beat_at',
  ];
  const set = [...changes.map((change) => `setting.${change}`), ...times.map(moved)];
  return [
    'UPDATE order_timeout_setting AS setting',
    '  LEFT JOIN (SELECT order_id FROM order_timeout_hold UNION SELECT order_id FROM order_timeout_failure) AS listed ON TRUE',
    '  LEFT JOIN order_timeout_hold AS hold ON hold.order_id = listed.order_id',
    '  LEFT JOIN order_timeout_failure AS failure ON failure.order_id = listed.order_id',
    '  LEFT JOIN order_timeout_heartbeat AS heartbeat ON heartbeat.id = 1',
    `   SET ${set.join(', ')}`,
    ' WHERE setting.id = 1',
  ].join('\n');
}

/** A sweep ends within its time budget, which is under a minute. */
const SWEEP_WAIT_SECONDS = 60;

/** The steps that bring functions, views and procedures, and then the event, to this version's files. */
export function planObjects(blueprint: Blueprint, state: DatabaseState) {
  const stale = staleObjects(blueprint, state);
  const used = state.isDedicated ? usedViews(blueprint.objects) : [];
  const stepsFor = (isWanted: (object: Pick<ObjectSource, 'kind' | 'name'>) => boolean): Step[] => [
    ...stale
      .filter(({ object }) => isWanted(object))
      .map(({ object, reason }) => ({
        title: `${object.kind} ${object.name}: ${reason}`,
        locks: object.name,
        statements: deployStatements(object, state, blueprint.version, used.includes(object.name)),
      })),
    ...removedObjects(blueprint, state).filter(isWanted).map(dropStep),
  ];
  const claim = {
    title: 'register what is about to be deployed',
    statements: [claimObjects(stale.map(({ object }) => object))],
  };
  return {
    claim: stale.length === 0 ? [] : [claim],
    routines: withoutSweep(
      [
        ...(isHalted(blueprint, state) ? planHalt(blueprint, stale) : []),
        ...stepsFor(({ kind, name }) => kind !== 'event' && !HALTED.includes(name)),
        ...stepsFor(({ name }) => HALTED.includes(name)),
      ],
      state,
    ),
    events: stepsFor(({ kind }) => kind === 'event'),
  };
}

/** The last three know the codes of an order, and a view their column. */
const HALTED = [
  ...SETTLING,
  'order_timeout_take_payment',
  'order_timeout_set_hold',
  'order_timeout_cancel',
];

/**
 * While routines and views are replaced for another shop file nothing can be settled: half of the old file and half of
 * the new one would claim a kind and not give it. Nor while a kind's rows get its new name: under the old one an order
 * that was opened again would find no key. Nor is a payment accepted, an order held or a cancel answered where old codes
 * would be looked for in the new column: it would be told that the order is not pending, and a payment's answer is kept.
 * These routines are made anew last; a call meanwhile fails with 1305.
 */
function planHalt({ renames, file }: Blueprint, stale: ReturnType<typeof staleObjects>): Step[] {
  const rules = Object.entries(file?.give_back ?? {});
  // An empty list would be no SQL, and no kind has an empty name.
  const kinds = ['', ...rules.flatMap(([kind, { was = [] }]) => [kind].concat(was))].map(
    quoteString,
  );
  const named = renames.map(({ was, kind }) => `${was} becomes ${kind}`);
  const renaming = {
    title: `kinds: ${named.join(', ')}`,
    statements: renames.flatMap((rename) => [...renameStatements(rename)]),
  };
  return [
    {
      title: 'nothing is settled until all is replaced',
      locks: 'order_timeout_settle_order',
      statements: stale
        .filter(({ object }) => HALTED.includes(object.name))
        .map(({ object }) => dropStatement(object)),
    },
    {
      title: 'nothing is owed of a kind that the file has no longer',
      statements: requireThat(
        `NOT EXISTS (SELECT 1 FROM order_timeout_owed WHERE kind NOT IN (${kinds.join(', ')}))`,
        'something_is_owed_of_a_kind_that_the_file_has_no_longer',
      ),
    },
    ...(named.length === 0 ? [] : [renaming]),
  ];
}

/** Each slice of the journal is a transaction of its own: a group refuses one that is too large. */
function* renameStatements({ was, kind, slices }: Rename): Generator<string> {
  const change = `SET kind = ${quoteString(kind)} WHERE kind = ${quoteString(was)}`;
  for (let nth = 0; nth <= slices.length; nth += 1) {
    const from = nth === 0 ? '' : ` AND order_id >= ${slices[nth - 1]}`;
    const below = nth === slices.length ? '' : ` AND order_id < ${slices[nth]}`;
    yield `UPDATE order_timeout_refund ${change}${from}${below}`;
  }
  yield `UPDATE order_timeout_owed ${change}`;
  // The same finding may be there under both names: then the old one is told no more.
  yield `UPDATE IGNORE order_timeout_finding ${change}`;
  yield `DELETE FROM order_timeout_finding WHERE kind = ${quoteString(was)}`;
}

const definerOf = ({ isDedicated }: DatabaseState) => (isDedicated ? DEFINER_SQL : 'CURRENT_USER');

/** Of the filled text and the account that it runs as. */
export const checksumOf = ({ text }: ObjectSource, state: DatabaseState) =>
  checksum(text, definerOf(state));

const isHalted = ({ objects, isAnotherFile }: Blueprint, state: DatabaseState) =>
  isAnotherFile && objects.some((object) => reasonToDeploy(object, state) !== undefined);

/** What has to be deployed, and why. */
export const staleObjects = (blueprint: Blueprint, state: DatabaseState) => {
  const areDropped = isHalted(blueprint, state);
  return blueprint.objects.flatMap((object) => {
    const isDropped = areDropped && SETTLING.includes(object.name);
    const reason = reasonToDeploy(object, state) ?? (isDropped ? 'was dropped' : undefined);
    return reason === undefined ? [] : [{ object, reason }];
  });
};

/** Undefined: the database has it as it should be. */
function reasonToDeploy(object: ObjectSource, state: DatabaseState): string | undefined {
  const registered = findRegistered(state.registry, object);
  const deployed = findDeployed(state, object);
  if (registered?.checksum == null)
    return deployed === undefined ? 'new' : 'deployment was not completed';
  if (isMissing(object, state)) return 'is missing';
  if (registered.grantsToRestore.length > 0) return 'grants have to be restored';
  if (registered.checksum !== checksumOf(object, state)) return 'changed';
  if (isDrifted(object, state)) return 'was changed since its deployment';
  // Whoever deployed it could not see it; this account can, and is to know it from now on.
  const isSeen = findDeployed(state, object)?.fingerprint != null;
  return isSeen && registered.fingerprint === null ? 'is not known to be as deployed' : undefined;
}

/** Whether the server says something else of it than after its deployment. An event's state is the operator's. */
export function isDrifted(object: ObjectSource, state: DatabaseState): boolean {
  const known = findRegistered(state.registry, object)?.fingerprint;
  const { fingerprint = null } = findDeployed(state, object) ?? {};
  return known != null && fingerprint !== null && fingerprint !== known;
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
  object: ObjectSource,
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
function grantsToKeep({ kind, name }: ObjectSource, state: DatabaseState): string[] {
  const kept = grantsToRestore(findRegistered(state.registry, { kind, name }), state);
  const routine = `${kind.toUpperCase()} ${quoteName(state.schema)}.${quoteName(name)}`;
  const present = (state.routineGrants?.get(`${kind} ${name}`) ?? [])
    // The server itself gives these to whoever creates the routine.
    .filter((grant) => isGrantable(grant) || grant.account !== state.account)
    .map((grant) => grantOn(routine, grant));
  return [...new Set([...kept, ...present])];
}

/** What an interrupted deployment took, but from an account that was dropped since: a GRANT to it would be refused (1410). */
const grantsToRestore = (
  row: { grantsToRestore: readonly string[] } | undefined,
  { accounts }: DatabaseState,
) =>
  (row?.grantsToRestore ?? []).filter(
    (grant) =>
      accounts?.some((account) =>
        grant.replace(/ WITH GRANT OPTION$/, '').endsWith(` TO ${accountInSql(account)}`),
      ) ?? true,
  );

const isGrantable = ({ privileges }: RoutineGrant) => privileges.includes('Grant');

function grantOn(routine: string, grant: RoutineGrant): string {
  const names = grant.privileges.filter((name) => name !== 'Grant');
  const option = isGrantable(grant) ? ' WITH GRANT OPTION' : '';
  return `GRANT ${names.join(', ').toUpperCase() || 'USAGE'} ON ${routine} TO ${accountInSql(grant.account)}${option}`;
}

/** Says that grants on routines can't be kept, when this account can't read them and routines are to be replaced. */
export function* describeLostGrants(blueprint: Blueprint, state: DatabaseState) {
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
export const planLostGrants = (state: DatabaseState) =>
  lostGrants(state)
    .filter((row) => findDeployed(state, row) !== undefined)
    .map((row) => ({
      title: `grants on ${row.name}: given back`,
      statements: [...grantsToRestore(row, state), keepGrants(row, [])],
    }));

const dropStep = ({ kind, name }: { kind: ObjectKind; name: string }): Step => ({
  title: `${kind} ${name}: no longer part of order-timeout`,
  locks: name,
  statements: [dropStatement({ kind, name }), unregisterObject({ kind, name })],
});

/** While routines are being replaced, no sweep may run half old and half new. */
function withoutSweep(steps: Step[], { objects, schema }: DatabaseState): Step[] {
  if (steps.length === 0 || !objects.some(({ kind }) => kind === 'event')) return steps;
  const lock = quoteString(sweepLock(schema));
  const take = `DO GET_LOCK(${lock}, ${SWEEP_WAIT_SECONDS})`;
  return [
    { title: 'keep the sweep away', statements: [take] },
    ...steps,
    { title: 'let the sweep run again', statements: [`DO RELEASE_LOCK(${lock})`] },
  ];
}
