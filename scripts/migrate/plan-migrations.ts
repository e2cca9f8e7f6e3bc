import { findServing, type Guard, parseGuard } from './guards';
import { describeIndex, type Index, indexedColumn } from './indexes';
import { logMigration, START_CLOCK, unlogMigration } from './registry';
import type { Migration } from './source';
import { splitStatements } from './split';
import type { DatabaseState } from './state';
import type { MigrationStep } from './steps';
import type { Table } from './tables';

/** The steps that apply these migrations to the database. */
export function planMigrationsUp(
  migrations: readonly Migration[],
  { tables }: DatabaseState,
  version: string,
): MigrationStep[] {
  let indexes: readonly Index[] = indexesOf(tables);
  return migrations.map((migration) => {
    const planned = planFile(migration.up, tables, indexes);
    indexes = planned.indexes;
    return {
      title: `migration ${migration.name}`,
      migration: migration.name,
      statements: [START_CLOCK, ...planned.statements],
      notes: planned.notes,
      register: logMigration(migration, version),
    };
  });
}

/** The steps that take these migrations back, the newest first. */
export function planMigrationsDown(
  migrations: readonly Migration[],
  { tables }: DatabaseState,
): MigrationStep[] {
  let indexes: readonly Index[] = indexesOf(tables);
  return migrations.toReversed().map(({ name, down }) => {
    const planned = planFile(down, tables, indexes);
    indexes = planned.indexes;
    return {
      title: `migration ${name}: take back`,
      migration: name,
      statements: planned.statements,
      notes: planned.notes,
      register: unlogMigration(name),
    };
  });
}

type Tables = ReadonlyMap<string, Table>;

const indexesOf = (tables: Tables) => [...tables.values()].flatMap(({ indexes }) => indexes);

interface PlannedFile {
  readonly statements: readonly string[];
  /** Why a statement is left out. */
  readonly notes: readonly string[];
  /** The shop's indexes after it, so that a later guard sees what an earlier statement did. */
  readonly indexes: readonly Index[];
}

function planFile(text: string, tables: Tables, before: readonly Index[]): PlannedFile {
  const statements: string[] = [];
  const notes: string[] = [];
  let indexes = before;
  for (const { comments, sql } of splitStatements(text)) {
    const guard = parseGuard(comments);
    const reason = guard && reasonToSkip(guard, indexes);
    if (reason === undefined) {
      const fitted = fitToShop(sql, tables);
      statements.push(fitted);
      indexes = indexesAfter(fitted, indexes);
    } else {
      notes.push(reason);
    }
  }
  return { statements, notes, indexes };
}

function reasonToSkip(guard: Guard, indexes: readonly Index[]): string | undefined {
  if (guard.kind === 'if-index') {
    return indexes.some(({ table, name }) => table === guard.table && name === guard.index)
      ? undefined
      : `${guard.table} has no index ${guard.index}`;
  }
  const serving = findServing(guard, indexes);
  return serving && `${guard.table} needs no other index: it has ${describeIndex(serving)}`;
}

const ADD_INDEX = /^ALTER TABLE (?<table>\w+)\s+ADD INDEX (?<name>\w+) \((?<columns>[\w, ()]+)\),/;
const DROP_INDEX = /^ALTER TABLE (?<table>\w+)\s+DROP INDEX (?<name>\w+)/;

/** A long text column goes into an index with its beginning only. */
function fitToShop(sql: string, tables: Tables): string {
  const { table = '', columns } = ADD_INDEX.exec(sql)?.groups ?? {};
  if (columns === undefined) return sql;
  const fitted = columns
    .split(', ')
    .map((name) => indexedColumn(name, tables.get(table)?.columns.get(name)?.characters ?? null));
  return sql.replace(`(${columns})`, `(${fitted.join(', ')})`);
}

function indexesAfter(sql: string, indexes: readonly Index[]): readonly Index[] {
  const added = ADD_INDEX.exec(sql)?.groups;
  if (added !== undefined) {
    const { table = '', name = '', columns = '' } = added;
    const parts = columns.split(', ').map((part) => {
      const [, column = part, prefix] = /^(\w+)(?:\((\d+)\))?$/.exec(part) ?? [];
      return { column, prefix: prefix === undefined ? null : Number(prefix), descending: false };
    });
    return [...indexes, { table, name, parts, visible: true, unique: false, type: 'BTREE' }];
  }
  const dropped = DROP_INDEX.exec(sql)?.groups;
  return dropped === undefined
    ? indexes
    : indexes.filter(({ table, name }) => table !== dropped.table || name !== dropped.name);
}
