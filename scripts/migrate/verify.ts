import { checkShop } from '../preflight/shop';
import { chooseDefiner, definerDifferences } from './plan-definer';
import { definerSql, DEFINER_ACCOUNT } from './definer';
import { findServing, parseGuard } from './guards';
import { checkHistory } from './history';
import { differences, foreignDefiner, renderObject } from './objects';
import { ownTables } from './plan';
import type { Source } from './source';
import { splitStatements } from './split';
import type { DatabaseState } from './state';

/** What a comparison of the database with this version's files found. */
export interface Verification {
  /** A line each; empty: the database is as this version deploys it. */
  readonly differences: readonly string[];
  /** What could not be compared. */
  readonly remarks: readonly string[];
}

/** Compares what is deployed with this version's files. An event's state is the operator's: see status. */
export function compare(source: Source, state: DatabaseState): Verification {
  const { registry } = state;
  if (registry === undefined) {
    return { differences: ['Nothing is deployed in this database: order-timeout up'], remarks: [] };
  }
  const shop = checkShop(state.tables);
  const applied = new Set(registry.migrations.map(({ name }) => name));
  const definer = chooseDefiner(state);
  return {
    differences: [
      ...shop,
      ...checkHistory(source.migrations, registry.migrations),
      ...source.migrations
        .filter(({ name }) => !applied.has(name))
        .map(({ name }) => `migrations/${name}.up.sql has not been applied`),
      ...compareTables(source, state),
      ...compareIndexes(source, state),
      // Files are fitted to the shop's columns, so these have to be there.
      ...(shop.length === 0 ? compareObjects(source, state) : []),
      ...(definer === 'dedicated'
        ? definerDifferences(source, state).map(
            (difference) => `The account ${DEFINER_ACCOUNT} ${difference}`,
          )
        : []),
    ],
    remarks: [
      ...state.objects
        .filter(({ kind }) => kind === 'event')
        .flatMap((event) =>
          foreignDefiner(event, definer).map(
            (difference) =>
              `The event ${event.name} ${difference}: ALTER EVENT makes it that of whoever alters it`,
          ),
        ),
      ...(definer === 'dedicated' && !state.definer.known
        ? [
            `The grants of ${DEFINER_ACCOUNT} were not compared: this account may not read mysql.user`,
          ]
        : []),
    ],
  };
}

function compareTables(source: Source, { tables, registry, hashes }: DatabaseState): string[] {
  return ownTables(source).flatMap((name) => {
    if (!tables.has(name)) return [`The table ${name} is missing`];
    const registered = registry?.objects.find((row) => row.kind === 'table' && row.name === name);
    return registered?.definitionHash === hashes.get(name)
      ? []
      : [`The table ${name} was changed since its deployment: its columns, indexes or checks`];
  });
}

function compareIndexes(source: Source, { tables }: DatabaseState): string[] {
  const indexes = [...tables.values()].flatMap((table) => table.indexes);
  return source.migrations
    .flatMap(({ up }) => splitStatements(up).map(({ comments }) => parseGuard(comments)))
    .filter((guard) => guard?.kind === 'unless-index')
    .filter((guard) => findServing(guard, indexes) === undefined)
    .map(
      ({ table, alternatives }) =>
        `${table} has no visible index that leads with ${alternatives
          .map((columns) => `(${columns.join(', ')})`)
          .join(' or ')}`,
    );
}

function compareObjects(source: Source, state: DatabaseState): string[] {
  const definer = chooseDefiner(state);
  const registered = new Set(state.registry?.objects.map(({ kind, name }) => `${kind} ${name}`));
  const current = new Set(source.objects.map(({ kind, name }) => `${kind} ${name}`));
  const changed = source.objects.flatMap((object) => {
    const rendered = renderObject(object, state, definerSql(definer));
    const found = differences(rendered, state, definer);
    const row = state.registry?.objects.find(
      ({ kind, name }) => kind === object.kind && name === object.name,
    );
    // A view's text can't be compared with its file: the server keeps it in its own words.
    const isOther = found.length === 0 && row?.checksum !== rendered.checksum;
    return [...found, ...(isOther ? ["is not this version's file"] : [])].map(
      (difference) => `The ${object.kind} ${object.name} ${difference}`,
    );
  });
  const left = state.objects
    .map(({ kind, name }) => `${kind} ${name}`)
    .filter((key) => registered.has(key) && !current.has(key))
    .map((key) => `The ${key} is no longer part of order-timeout`);
  return [...changed, ...left];
}
