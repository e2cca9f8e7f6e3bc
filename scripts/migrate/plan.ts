import { checksum } from './checksum';
import { quoteString } from './quote';
import { chooseDefiner, planDropDefiner, planGrants } from './plan-definer';
import { planMigrationsDown, planMigrationsUp } from './plan-migrations';
import { planObjects } from './plan-objects';
import {
  CREATE_REGISTRY,
  DROP_REGISTRY,
  MIGRATION_TABLE,
  OBJECT_TABLE,
  registerTables,
} from './registry';
import type { ObjectKind, Source } from './source';
import type { DatabaseState } from './state';
import type { Plan, Step } from './steps';

/** What an operator asks for at a deployment. Undefined: as it is. */
export interface Wishes {
  /** UTC offset of the clock in which the shop writes its DATETIMEs, such as +08:00. */
  readonly clock?: string | undefined;
  readonly paused?: boolean | undefined;
}

/** What has to be done so that the database is as this version wants it. Empty: it is. */
export function planUp(source: Source, state: DatabaseState, wishes: Wishes = {}): Plan {
  const definer = chooseDefiner(state);
  const applied = new Set(state.registry?.migrations.map(({ name }) => name));
  const pending = source.migrations.filter(({ name }) => !applied.has(name));
  const objects = planObjects(source, state, definer);
  return {
    before:
      state.registry === undefined
        ? [{ title: 'registry of what is deployed', statements: CREATE_REGISTRY }]
        : [],
    migrations: planMigrationsUp(pending, state, source.version),
    after: [
      ...planTables(source, state, pending.length > 0),
      ...planSetting(state, wishes),
      ...objects.claim,
      ...planGrants(source, state, definer),
      ...objects.views,
      ...objects.procedures,
      ...objects.events,
    ],
  };
}

/** Our tables, as the versioned files make them. */
export function ownTables({ migrations }: Source): string[] {
  const names = migrations.flatMap(({ up }) =>
    [...up.matchAll(/^CREATE TABLE IF NOT EXISTS (\w+)/gm)].map(([, name = '']) => name),
  );
  return [...new Set(names)];
}

function planTables(source: Source, { registry }: DatabaseState, isChanged: boolean): Step[] {
  const tables = ownTables(source);
  const sum = checksum(...source.migrations.map((migration) => migration.checksum));
  const registered = registry?.objects.filter(
    ({ kind, checksum }) => kind === 'table' && checksum === sum,
  );
  if (!isChanged && tables.every((table) => registered?.some(({ name }) => name === table)))
    return [];
  return [
    {
      title: 'register the tables',
      statements: [registerTables(tables, sum, source.version)],
    },
  ];
}

function planSetting({ setting }: DatabaseState, { clock, paused }: Wishes): Step[] {
  const changes = [
    ...(clock !== undefined && clock !== setting?.clock ? [`clock = ${quoteString(clock)}`] : []),
    ...(paused !== undefined && paused !== setting?.paused ? [`paused = ${Number(paused)}`] : []),
  ];
  return changes.length === 0
    ? []
    : [
        {
          title: `setting ${changes.join(', ')}`,
          statements: [`UPDATE order_timeout_setting SET ${changes.join(', ')} WHERE id = 1`],
        },
      ];
}

/**
 * What has to be done so that nothing of ours is left in the database.
 * `otherSchemas`: the server's other schemas, in which the definer account may be in use.
 */
export function planDown(
  source: Source,
  state: DatabaseState,
  otherSchemas: readonly string[],
): Plan {
  const dropRegistry = { title: 'registry of what is deployed: drop', statements: [DROP_REGISTRY] };
  if (state.registry === undefined) {
    const isBegun = state.tables.has(MIGRATION_TABLE) || state.tables.has(OBJECT_TABLE);
    return { before: [], migrations: [], after: isBegun ? [dropRegistry] : [] };
  }
  const applied = new Set(state.registry.migrations.map(({ name }) => name));
  const ours = new Set(state.registry.objects.map(({ kind, name }) => `${kind} ${name}`));
  const dropAll = (kind: ObjectKind): Step[] =>
    state.objects
      .filter((object) => object.kind === kind && ours.has(`${kind} ${object.name}`))
      .map(({ name }) => ({
        title: `${kind} ${name}: drop`,
        statements: [`DROP ${kind.toUpperCase()} IF EXISTS ${name}`],
      }));
  // An interrupted deployment may have begun with the next one.
  const begun = source.migrations.filter(({ name }) => !applied.has(name)).slice(0, 1);
  return {
    before: [
      ...dropAll('event'),
      ...dropAll('procedure'),
      ...dropAll('view'),
      ...planMigrationsDown(begun, state).map(({ title, statements, notes }) => ({
        title,
        statements,
        notes: notes ?? [],
      })),
    ],
    migrations: planMigrationsDown(
      source.migrations.filter(({ name }) => applied.has(name)),
      state,
    ),
    after: [...planDropDefiner(state, otherSchemas), dropRegistry],
  };
}
