import type { Connection } from 'mysql2/promise';
import { select } from './connection';
import { readDefinition, type Definition } from './definition';
import { DEFINER_HOST, DEFINER_SQL, DEFINER_USER } from './definer';
import { errnoOf } from './errors';
import type { AppliedMigration } from './history';
import type { Index } from './indexes';
import { type Grant, parseGrants } from './privileges';
import { quoteName } from './quote';
import {
  MIGRATION_TABLE,
  OBJECT_TABLE,
  type RegisteredKind,
  type RegisteredObject,
  selectTableHashes,
} from './registry';
import type { ObjectKind, Source } from './source';
import { type Column, SHOP_TABLES, type Table } from './tables';

/** The database as it is, as far as a deployment cares. Read once, decided on by pure functions. */
export interface DatabaseState {
  readonly server: ServerState;
  readonly schema: string;
  /** The account that deploys, as CURRENT_USER() says. */
  readonly account: string;
  readonly grants: readonly Grant[];
  /** The shop's tables and those of ours, by name. */
  readonly tables: ReadonlyMap<string, Table>;
  /** Undefined: there is no registry. */
  readonly registry: Registry | undefined;
  /** What there is under the names of our views, procedures and events. */
  readonly objects: readonly DeployedObject[];
  /** Of our tables and views, by name. */
  readonly hashes: ReadonlyMap<string, string | null>;
  /** The one row of order_timeout_setting. */
  readonly setting: { readonly clock: string; readonly paused: boolean } | undefined;
  readonly definer: DefinerState;
  /** EXECUTE and the like on our procedures, by procedure; undefined: this account may not read them. */
  readonly routineGrants: ReadonlyMap<string, readonly RoutineGrant[]> | undefined;
}

export interface ServerState {
  readonly version: string;
  readonly comment: string;
  /** By name, such as event_scheduler; missing ones the server doesn't have. */
  readonly variables: ReadonlyMap<string, string>;
}

export interface Registry {
  readonly migrations: readonly AppliedMigration[];
  readonly objects: readonly RegisteredObject[];
}

export interface DeployedObject {
  readonly kind: ObjectKind;
  readonly name: string;
  /** user@host */
  readonly definer: string;
  readonly sqlMode: string | null;
  readonly collation: string;
  /** Events: ENABLED, DISABLED, REPLICA_SIDE_DISABLED. */
  readonly status: string | null;
  /** Null for a view, and when the account may not see it. */
  readonly definition: Definition | null;
}

export type DefinerState =
  | { readonly known: false }
  | { readonly known: true; readonly exists: false }
  | {
      readonly known: true;
      readonly exists: true;
      readonly locked: boolean;
      readonly grants: readonly Grant[];
    };

export interface RoutineGrant {
  readonly user: string;
  readonly host: string;
  /** Execute, Alter Routine, Grant. */
  readonly privileges: readonly string[];
}

/** Reads all that a deployment decides on. */
export async function readState(db: Connection, source: Source): Promise<DatabaseState> {
  const [session] = await select<{ db: string; account: string; version: string; comment: string }>(
    db,
    'SELECT DATABASE() AS db, CURRENT_USER() AS account, VERSION() AS version, @@version_comment AS comment',
  );
  if (session === undefined) throw new Error('The server answered SELECT without a row');
  const { db: schema, account, version, comment } = session;
  const variables = await readVariables(db);
  const tables = await readTables(db, source);
  const registry =
    tables.has(OBJECT_TABLE) && tables.has(MIGRATION_TABLE) ? await readRegistry(db) : undefined;
  return {
    server: { version, comment, variables },
    schema,
    account,
    grants: await readOwnGrants(db),
    tables,
    registry,
    objects: await readObjects(db, namesOf(source, registry)),
    hashes: await readHashes(db, registry),
    setting: tables.has('order_timeout_setting') ? await readSetting(db) : undefined,
    definer: await readDefiner(db),
    routineGrants: await readRoutineGrants(db, schema),
  };
}

const VARIABLES = [
  'event_scheduler',
  'read_only',
  'super_read_only',
  'log_bin',
  'binlog_format',
  'innodb_read_only',
];

async function readVariables(db: Connection): Promise<Map<string, string>> {
  const rows = await select<{ Variable_name: string; Value: string }>(
    db,
    `SHOW GLOBAL VARIABLES WHERE variable_name IN (${VARIABLES.map((name) => `'${name}'`).join(', ')})`,
  );
  return new Map(rows.map(({ Variable_name, Value }) => [Variable_name, Value]));
}

async function readTables(db: Connection, source: Source): Promise<Map<string, Table>> {
  const names = [...SHOP_TABLES, ...source.objects.map(({ name }) => name)];
  const isOfInterest =
    "table_schema = DATABASE() AND (table_name IN (?) OR table_name LIKE 'order\\_timeout\\_%')";
  const tables = await select<{ name: string; type: string; engine: string | null }>(
    db,
    `SELECT table_name AS name, table_type AS type, engine AS engine
       FROM information_schema.tables WHERE ${isOfInterest}`,
    [names],
  );
  const columns = await readColumns(db);
  const indexes = await readIndexes(db);
  return new Map(
    tables.map((table) => [
      table.name,
      {
        ...table,
        columns: columns.get(table.name) ?? new Map<string, Column>(),
        indexes: indexes.filter((index) => index.table === table.name),
      },
    ]),
  );
}

async function readColumns(db: Connection): Promise<Map<string, Map<string, Column>>> {
  const rows = await select<{
    table: string;
    name: string;
    type: string;
    fullType: string;
    nullable: string;
    preset: string | null;
    extra: string;
    characters: number | null;
    charset: string | null;
  }>(
    db,
    `SELECT table_name AS \`table\`, column_name AS name, data_type AS type, column_type AS fullType,
            is_nullable AS nullable, column_default AS preset, extra AS extra,
            character_maximum_length AS characters, character_set_name AS charset
       FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name IN (?)
      ORDER BY table_name, ordinal_position`,
    [SHOP_TABLES],
  );
  const byTable = new Map<string, Map<string, Column>>();
  for (const { table, nullable, preset, extra, ...column } of rows) {
    const columns = byTable.get(table) ?? new Map<string, Column>();
    columns.set(column.name.toLowerCase(), {
      ...column,
      type: column.type.toLowerCase(),
      nullable: nullable === 'YES',
      hasDefault: preset !== null,
      autoIncrement: /auto_increment/i.test(extra),
      generated: /\b(VIRTUAL|STORED) GENERATED\b/i.test(extra),
    });
    byTable.set(table, columns);
  }
  return byTable;
}

async function readIndexes(db: Connection): Promise<Index[]> {
  const rows = await select<{
    table: string;
    name: string;
    col: string | null;
    prefix: number | null;
    direction: string | null;
    visible: string;
    plural: number;
    type: string;
  }>(
    db,
    `SELECT table_name AS \`table\`, index_name AS name, column_name AS col, sub_part AS prefix,
            collation AS direction, is_visible AS visible, non_unique AS plural, index_type AS type
       FROM information_schema.statistics
      WHERE table_schema = DATABASE() AND table_name IN (?)
      ORDER BY table_name, index_name, seq_in_index`,
    [SHOP_TABLES],
  );
  const indexes = new Map<string, Index>();
  for (const { table, name, col, prefix, direction, visible, plural, type } of rows) {
    const part = {
      column: col,
      prefix,
      descending: direction === 'D',
    };
    const key = `${table}.${name}`;
    const earlier = indexes.get(key);
    indexes.set(key, {
      table,
      name,
      visible: visible === 'YES',
      unique: plural === 0,
      type,
      parts: [...(earlier?.parts ?? []), part],
    });
  }
  return [...indexes.values()];
}

/** The rows of order_timeout_migration, which must exist. */
export function readAppliedMigrations(db: Connection): Promise<AppliedMigration[]> {
  return select<AppliedMigration>(
    db,
    `SELECT name, checksum, applied_at AS appliedAt, applied_by AS appliedBy, package_version AS packageVersion
       FROM ${MIGRATION_TABLE} ORDER BY name`,
  );
}

async function readRegistry(db: Connection): Promise<Registry> {
  const migrations = await readAppliedMigrations(db);
  const objects = await select<{
    kind: RegisteredKind;
    name: string;
    checksum: string | null;
    definitionHash: string | null;
    grants: string[] | string | null;
  }>(
    db,
    `SELECT kind, name, checksum, definition_hash AS definitionHash, grants_to_restore AS \`grants\`
       FROM ${OBJECT_TABLE} ORDER BY kind, name`,
  );
  return {
    migrations,
    objects: objects.map(({ grants, ...object }) => ({
      ...object,
      grantsToRestore:
        grants === null
          ? []
          : typeof grants === 'string'
            ? (JSON.parse(grants) as string[])
            : grants,
    })),
  };
}

interface Names {
  readonly view: readonly string[];
  readonly procedure: readonly string[];
  readonly event: readonly string[];
}

function namesOf(source: Source, registry: Registry | undefined): Names {
  const named = [...source.objects, ...(registry?.objects ?? [])];
  // "IN ()" is no SQL: the empty name is nobody's.
  const ofKind = (wanted: ObjectKind) => [
    '',
    ...named.filter(({ kind }) => kind === wanted).map(({ name }) => name),
  ];
  return { view: ofKind('view'), procedure: ofKind('procedure'), event: ofKind('event') };
}

async function readObjects(db: Connection, names: Names): Promise<DeployedObject[]> {
  const rows = await select<Omit<DeployedObject, 'definition'>>(
    db,
    `SELECT 'view' AS kind, table_name AS name, definer AS definer, NULL AS sqlMode,
            collation_connection AS collation, NULL AS status
       FROM information_schema.views
      WHERE table_schema = DATABASE() AND table_name IN (?)
      UNION ALL
     SELECT 'procedure', routine_name, definer, sql_mode, collation_connection, NULL
       FROM information_schema.routines
      WHERE routine_schema = DATABASE() AND routine_type = 'PROCEDURE' AND routine_name IN (?)
      UNION ALL
     SELECT 'event', event_name, definer, sql_mode, collation_connection, status
       FROM information_schema.events
      WHERE event_schema = DATABASE() AND event_name IN (?)`,
    [names.view, names.procedure, names.event],
  );
  return Promise.all(
    rows.map(async (row) => ({
      ...row,
      definition: row.kind === 'view' ? null : await readDeployedDefinition(db, row),
    })),
  );
}

async function readDeployedDefinition(
  db: Connection,
  { kind, name }: { kind: ObjectKind; name: string },
): Promise<Definition | null> {
  const word = kind === 'event' ? 'Event' : 'Procedure';
  const [row] = await select<Record<string, string | null>>(
    db,
    `SHOW CREATE ${word.toUpperCase()} ${quoteName(name)}`,
  );
  const create = row?.[`Create ${word}`];
  return create == null ? null : readDefinition(create);
}

async function readHashes(
  db: Connection,
  registry: Registry | undefined,
): Promise<Map<string, string | null>> {
  const tables = (registry?.objects ?? [])
    .filter(({ kind }) => kind === 'table')
    .map(({ name }) => name);
  const views = (registry?.objects ?? [])
    .filter(({ kind }) => kind === 'view')
    .map(({ name }) => name);
  const rows: { name: string; hash: string | null }[] = [];
  if (tables.length > 0)
    rows.push(...(await select<{ name: string; hash: string }>(db, selectTableHashes(tables))));
  if (views.length > 0) {
    rows.push(
      ...(await select<{ name: string; hash: string | null }>(
        db,
        `SELECT table_name AS name, SHA2(NULLIF(view_definition, ''), 256) AS hash
           FROM information_schema.views WHERE table_schema = DATABASE() AND table_name IN (?)`,
        [views],
      )),
    );
  }
  return new Map(rows.map(({ name, hash }) => [name, hash]));
}

async function readSetting(db: Connection): Promise<DatabaseState['setting']> {
  const [row] = await select<{ clock: string; paused: number }>(
    db,
    'SELECT clock, paused FROM order_timeout_setting',
  );
  return row && { clock: row.clock, paused: Boolean(row.paused) };
}

async function readOwnGrants(db: Connection): Promise<Grant[]> {
  const [row] = await select<{ roles: string }>(db, 'SELECT CURRENT_ROLE() AS roles');
  const using = row === undefined || row.roles === 'NONE' ? '' : ` USING ${row.roles}`;
  return parseGrants(await showGrants(db, `CURRENT_USER()${using}`));
}

async function showGrants(db: Connection, account: string): Promise<string[]> {
  const rows = await select<Record<string, string>>(db, `SHOW GRANTS FOR ${account}`);
  return rows.flatMap((row) => Object.values(row));
}

const NO_SUCH_GRANT = 1141;
const NO_ACCESS = [1044, 1142, 1143, 1227];

async function readDefiner(db: Connection): Promise<DefinerState> {
  try {
    const [account] = await select<{ locked: string }>(
      db,
      'SELECT account_locked AS locked FROM mysql.user WHERE user = ? AND host = ?',
      [DEFINER_USER, DEFINER_HOST],
    );
    if (account === undefined) return { known: true, exists: false };
    const grants = parseGrants(await showGrants(db, DEFINER_SQL));
    return { known: true, exists: true, locked: account.locked === 'Y', grants };
  } catch (error) {
    if (errnoOf(error) === NO_SUCH_GRANT) return { known: true, exists: false };
    if (NO_ACCESS.includes(errnoOf(error) ?? 0)) return { known: false };
    throw error;
  }
}

async function readRoutineGrants(
  db: Connection,
  schema: string,
): Promise<Map<string, RoutineGrant[]> | undefined> {
  try {
    const rows = await select<{ name: string; user: string; host: string; privileges: string }>(
      db,
      `SELECT routine_name AS name, user AS user, host AS host, proc_priv AS privileges
         FROM mysql.procs_priv
        WHERE db = ? AND routine_type = 'PROCEDURE'
        ORDER BY routine_name, user, host`,
      [schema],
    );
    const byProcedure = new Map<string, RoutineGrant[]>();
    for (const { name, user, host, privileges } of rows) {
      const grants = byProcedure.get(name) ?? [];
      byProcedure.set(name, [...grants, { user, host, privileges: privileges.split(',') }]);
    }
    return byProcedure;
  } catch (error) {
    if (NO_ACCESS.includes(errnoOf(error) ?? 0)) return undefined;
    throw error;
  }
}
