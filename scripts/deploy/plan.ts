import { planGrants } from './definer';
import type { Plan, Step } from './execute';
import { planIndexes } from './tables';
import { upStatements } from './migrations';
import { planObjects } from './objects';
import { CREATE_REGISTRY, findRegistered, logMigration, registerTables } from './registry';
import type { Blueprint } from './shop';
import { ownTables } from './source';
import type { DatabaseState } from './state';
import { checksum, quoteString } from './text';

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
  return {
    before: [
      ...planIndexes(blueprint.indexes, blueprint.tables),
      ...(registry === undefined ? [newRegistry] : []),
    ],
    migrations: pending.map((migration) => ({
      title: `migration ${migration.name}`,
      migration: migration.name,
      statements: [...upStatements(migration), logMigration(migration, blueprint.version)],
    })),
    after: [
      ...planTables(blueprint, state, pending.length > 0),
      ...planSetting(state, setting),
      ...blueprint.keepFile,
      ...objects.claim,
      ...planGrants(blueprint, state),
      ...objects.routines,
      ...objects.events,
    ],
  };
}

function* planTables(
  blueprint: Blueprint,
  { registry }: DatabaseState,
  isChanged: boolean,
): Generator<Step> {
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
  const changes = [
    ...(clock !== undefined && clock !== setting?.clock ? [`clock = ${quoteString(clock)}`] : []),
    ...(paused !== undefined && Number(paused) !== setting?.paused
      ? [`paused = ${Number(paused)}`]
      : []),
  ].join(', ');
  if (changes !== '')
    yield {
      title: `setting ${changes}`,
      statements: [`UPDATE order_timeout_setting SET ${changes} WHERE id = 1`],
    };
}
