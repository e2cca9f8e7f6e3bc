import type { Connection } from 'mysql2/promise';
import { select } from './connection';
import { DEFINER_ACCOUNT, sayPrivilege } from './account';
import { compareDefiner } from './definer';
import { type Finding, ifThere, mistakesIn, remark, requireNoMistake, sayFinding } from './errors';
import { allSteps } from './step';
import { missingIndexes } from './tables';
import { checkHistory } from './migrations';
import { checksumOf, isDrifted, planUp, removedObjects } from './plan';
import { type AppliedMigration, findRegistered } from './registry';
import type { Blueprint } from './shop';
import { type ObjectKind, ownTables } from './source';
import { enumerate } from './text';
import {
  asDeployed,
  type DatabaseState,
  definersOf,
  findDeployed,
  isMissing,
  seesKind,
} from './state';

/** How a deployment stands. */
export type Status = Awaited<ReturnType<typeof readStatus>>;

type MigrationStatus = Pick<AppliedMigration, 'name'> &
  Partial<Pick<AppliedMigration, 'appliedAt' | 'appliedBy' | 'packageVersion'>> & {
    readonly state: 'applied' | 'pending';
  };

/** Reads how the deployment stands; times are instants in ISO 8601. Throws a Refusal when this is no shop's database. */
export async function readStatus(db: Connection, blueprint: Blueprint, state: DatabaseState) {
  requireNoMistake(blueprint.findings);
  const applied = (state.registry?.migrations ?? []).map(
    ({ name, appliedAt, appliedBy, packageVersion }): MigrationStatus => ({
      name,
      state: 'applied',
      appliedAt: `${appliedAt.replace(' ', 'T')}Z`,
      appliedBy,
      packageVersion,
    }),
  );
  const pending = blueprint.migrations
    .filter(({ name }) => !applied.some((one) => one.name === name))
    .map(({ name }): MigrationStatus => ({ name, state: 'pending' }));
  return {
    database: state.schema,
    server: `MySQL ${state.server.version}`,
    /** This package's. */
    version: blueprint.version,
    migrations: [...applied, ...pending],
    /** What "up" would do, a line each. */
    pendingSteps: allSteps(planUp(blueprint, state)).map(({ title }) => title),
    /** ENABLED, DISABLED, REPLICA_SIDE_DISABLED; null: there is none; unknown: this account may not see it. */
    event:
      state.objects.find(({ kind }) => kind === 'event')?.status ??
      (seesKind('event', state) ? null : 'unknown'),
    eventScheduler: state.server.variables.get('event_scheduler') ?? 'unknown',
    heartbeat: await readHeartbeat(db),
    paused: state.setting === undefined ? null : state.setting.paused === 1,
    /** UTC offset in which the shop writes its DATETIMEs. */
    clock: state.setting?.clock ?? null,
    definers: definersOf(state),
  };
}

/** The last sign of life of the sweep; null: none yet. The table has the shop's clock; the session is in UTC. */
export async function readHeartbeat(db: Connection) {
  const rows = await ifThere(
    select<{ at: string; outcome: string; secondsAgo: number }>(
      db,
      `SELECT CONCAT(LEFT(DATE_FORMAT(CONVERT_TZ(beat_at, clock, '+00:00'), '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z') AS at,
              COALESCE(outcome, '') AS outcome,
              TIMESTAMPDIFF(SECOND, CONVERT_TZ(beat_at, clock, '+00:00'), UTC_TIMESTAMP()) AS secondsAgo
         FROM order_timeout_heartbeat JOIN order_timeout_setting
        WHERE beat_at IS NOT NULL`,
    ),
  );
  return rows?.[0] ?? null;
}

/** Something that is not as this version deploys it. */
export interface Difference {
  readonly about: 'deployment' | 'shop' | 'migration' | 'table' | 'index' | 'grants' | ObjectKind;
  /** Of the object, table or account; a migration's without ".up.sql". */
  readonly name: string;
  readonly text: string;
}

/** What a comparison found: what differs, and what could not be compared. */
export type Verification = ReturnType<typeof compare>;

/** Compares what is deployed with this version's files. An event's state is the operator's: see status. */
export function compare(blueprint: Blueprint, found: DatabaseState) {
  const state = asDeployed(found);
  if (state.registry === undefined) {
    const text = 'Nothing is deployed in this database: order-timeout up';
    const nothing: Difference = { about: 'deployment', name: state.schema, text };
    return { differences: [nothing], remarks: [] };
  }
  return {
    differences: [...findDifferences(blueprint, state)],
    remarks: [...describeUncompared(state)],
  };
}

const differ = (about: ObjectKind | 'table', name: string, how: string): Difference => ({
  about,
  name,
  text: `The ${about} ${name} ${how}`,
});

function* findDifferences(blueprint: Blueprint, state: DatabaseState): Generator<Difference> {
  const { registry } = state;
  const applied = registry?.migrations ?? [];
  for (const finding of mistakesIn(blueprint.findings))
    yield { about: 'shop', name: finding.about, text: sayFinding(finding) };
  for (const finding of checkHistory(blueprint.migrations, applied))
    yield { about: 'migration', name: finding.about, text: sayFinding(finding) };
  for (const { name } of blueprint.migrations)
    if (!applied.some((migration) => migration.name === name))
      yield { about: 'migration', name, text: `migrations/${name}.up.sql has not been applied` };
  for (const name of ownTables(blueprint)) {
    const { fingerprint } = findRegistered(registry, { kind: 'table', name }) ?? {};
    const found = state.ownTables.get(name);
    const changed =
      'was changed since its deployment: its columns, indexes, checks or foreign keys';
    if (found === undefined) yield differ('table', name, 'is missing');
    else if (fingerprint !== found) yield differ('table', name, changed);
  }
  for (const { table, name } of state.triggers.filter(({ table }) => state.ownTables.has(table)))
    yield differ('table', table, `has a trigger ${name}`);
  for (const { table, columns, name } of missingIndexes(blueprint.indexes)) {
    const text = `${table} has no visible index that leads with (${columns.join(', ')})`;
    yield { about: 'index', name, text };
  }
  // Of a shop that will not do, nothing could be filled.
  if (blueprint.objects.length === 0) return;
  yield* compareObjects(blueprint, state);
  if (state.isDedicated) yield* compareGrants(blueprint, state);
}

function* compareObjects(blueprint: Blueprint, state: DatabaseState): Generator<Difference> {
  for (const object of blueprint.objects) {
    const { kind, name } = object;
    if (isMissing(object, state)) yield differ(kind, name, 'is missing');
    else if (isDrifted(object, state)) yield differ(kind, name, 'was changed since its deployment');
    else if (findRegistered(state.registry, object)?.checksum !== checksumOf(object, state))
      yield differ(kind, name, "is not this version's file");
  }
  for (const { kind, name } of removedObjects(blueprint, state))
    if (findDeployed(state, { kind, name }) !== undefined)
      yield differ(kind, name, 'is no longer part of order-timeout');
}

function* compareGrants(blueprint: Blueprint, state: DatabaseState): Generator<Difference> {
  const { isMissing, isUnlocked, lacks, excess } = compareDefiner(blueprint, state);
  for (const how of [
    ...(isMissing ? ['does not exist'] : []),
    ...(isUnlocked ? ['is not locked'] : []),
    ...lacks.map((privilege) => `lacks ${sayPrivilege(privilege)}`),
    ...excess.map((privilege) => `has more than it needs: ${sayPrivilege(privilege)}`),
  ])
    yield { about: 'grants', name: DEFINER_ACCOUNT, text: `The account ${DEFINER_ACCOUNT} ${how}` };
}

function* describeUncompared(state: DatabaseState): Generator<Finding> {
  const { objects, registry, isDedicated } = state;
  for (const { kind, name, definer } of objects)
    if (kind === 'event' && isDedicated && definer !== DEFINER_ACCOUNT)
      yield remark(
        'event',
        `The event ${name} runs as ${definer} instead of ${DEFINER_ACCOUNT}`,
        'ALTER EVENT makes it that of whoever alters it',
      );
  const hidden = (['view', 'function', 'procedure', 'event'] as const).filter(
    (kind) => !seesKind(kind, state),
  );
  if (hidden.length > 0)
    yield remark(
      'objects',
      `Whether each ${enumerate(hidden)} is there was not looked at`,
      'This account may not see it: it needs SELECT, EXECUTE and EVENT on the schema',
    );
  // Only an account with SHOW_ROUTINE sees the body of a routine that another one made.
  const unseen = objects.filter((object) => {
    const registered = findRegistered(registry, object);
    return registered && (object.fingerprint === null || registered.fingerprint === null);
  });
  if (unseen.length > 0)
    yield remark(
      'objects',
      `${unseen.length} objects were compared by name only`,
      'This account, or the one that deployed them, may not see what they do: GRANT it SHOW_ROUTINE, then order-timeout up',
    );
  if (isDedicated && state.definer.grants === undefined)
    yield remark(
      'grants',
      `The grants of ${DEFINER_ACCOUNT} were not compared`,
      'this account may not read mysql.user',
    );
}
