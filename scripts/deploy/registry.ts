import type { Connection } from 'mysql2/promise';
import { select, selectColumn } from './connection';
import { ifThere } from './errors';
import { quoteString, requireThat } from './text';
import type { Migration, ObjectKind } from './source';

export const MIGRATION_TABLE = 'order_timeout_migration';
export const OBJECT_TABLE = 'order_timeout_object';

/** What the registry keeps track of beside the versioned files. */
type RegisteredKind = ObjectKind | 'table' | 'grants';

/** A row of order_timeout_migration. */
export interface AppliedMigration {
  readonly name: string;
  readonly checksum: string;
  readonly appliedAt: string;
  readonly appliedBy: string;
  readonly packageVersion: string;
}

/** A row of order_timeout_object. */
interface RegisteredObject {
  readonly kind: RegisteredKind;
  readonly name: string;
  /** Null: its deployment has begun and not ended. */
  readonly checksum: string | null;
  /** SHA-256 of what the server said of it after its deployment; null: it could not be seen. */
  readonly fingerprint: string | null;
  /** Version of order-timeout that deployed it; null: as with the checksum. */
  readonly packageVersion: string | null;
  /** GRANT statements that have to be run again after the object was dropped. */
  readonly grantsToRestore: readonly string[];
}

export const CREATE_REGISTRY: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS ${MIGRATION_TABLE} (
    name VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'Name of the file, without .up.sql',
    checksum CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'SHA-256 of the file as it was applied',
    applied_at DATETIME(3) NOT NULL COMMENT 'In UTC',
    applied_by VARCHAR(288) NOT NULL COMMENT 'The account that deployed',
    package_version VARCHAR(64) NOT NULL COMMENT 'Version of order-timeout that deployed',
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Versioned files that were applied to this database, see order-timeout status'`,
  `CREATE TABLE IF NOT EXISTS ${OBJECT_TABLE} (
    kind ENUM('table', 'function', 'view', 'procedure', 'event', 'grants') NOT NULL COMMENT 'What it is',
    name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'Its name; grants: the account that has them',
    checksum CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL
        COMMENT 'SHA-256 of what was deployed; NULL: the deployment of this object has begun and not ended',
    fingerprint CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL
        COMMENT 'SHA-256 of what the server itself said of it then; NULL: the deploying account could not see it',
    grants_to_restore JSON NULL COMMENT 'GRANT statements to run again once the object is back; NULL: none',
    applied_at DATETIME(3) NULL COMMENT 'In UTC',
    applied_by VARCHAR(288) NULL COMMENT 'The account that deployed',
    package_version VARCHAR(64) NULL COMMENT 'Version of order-timeout that deployed',
    PRIMARY KEY (kind, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Objects of order-timeout in this database, see order-timeout verify'`,
];

/** One statement: a half of a registry would be none. */
export const DROP_REGISTRY = `DROP TABLE IF EXISTS ${OBJECT_TABLE}, ${MIGRATION_TABLE}`;

export function logMigration({ name, checksum }: Migration, version: string): string {
  return (
    `INSERT INTO ${MIGRATION_TABLE} (name, checksum, applied_at, applied_by, package_version)\n` +
    `VALUES (${quoteString(name)}, ${quoteString(checksum)}, UTC_TIMESTAMP(3), CURRENT_USER(), ${quoteString(version)})`
  );
}

export function unlogMigration(name: string): string {
  return `DELETE FROM ${MIGRATION_TABLE} WHERE name = ${quoteString(name)}`;
}

interface Key {
  readonly kind: RegisteredKind;
  readonly name: string;
}

const whereKey = ({ kind, name }: Key) =>
  `WHERE kind = ${quoteString(kind)} AND name = ${quoteString(name)}`;

/** Marks objects as ours and as being deployed. An object of one of our names that isn't marked is somebody else's. */
export function claimObjects(keys: readonly Key[]): string {
  const rows = keys.map(({ kind, name }) => `(${quoteString(kind)}, ${quoteString(name)})`);
  return (
    `INSERT INTO ${OBJECT_TABLE} (kind, name)\n` +
    `VALUES ${rows.join(',\n       ')}\n` +
    `    ON DUPLICATE KEY UPDATE checksum = NULL`
  );
}

/** Keeps the grants that a DROP is about to take away; none: they have been given back. */
export function keepGrants(key: Key, grants: readonly string[]): string {
  const kept = grants.length === 0 ? 'NULL' : quoteString(JSON.stringify(grants));
  return `UPDATE ${OBJECT_TABLE} SET grants_to_restore = ${kept}\n ${whereKey(key)}`;
}

/** Asks the server for the fingerprint when the statement runs. */
export function registerObject(key: Key, checksum: string, version: string): string {
  const { kind, name } = key;
  const fingerprint = kind === 'table' || kind === 'grants' ? 'NULL' : fingerprintOf(kind, name);
  return (
    `UPDATE ${OBJECT_TABLE}\n` +
    `   SET checksum = ${quoteString(checksum)}, fingerprint = ${fingerprint}, grants_to_restore = NULL,\n` +
    `       applied_at = UTC_TIMESTAMP(3), applied_by = CURRENT_USER(), package_version = ${quoteString(version)}\n ` +
    whereKey(key)
  );
}

export function unregisterObject(key: Key): string {
  return `DELETE FROM ${OBJECT_TABLE} ${whereKey(key)}`;
}

export function registerTables(
  tables: readonly string[],
  checksum: string,
  version: string,
): string {
  return (
    `INSERT INTO ${OBJECT_TABLE} (kind, name, checksum, fingerprint, applied_at, applied_by, package_version)\n` +
    `SELECT 'table', fresh.name, ${quoteString(checksum)}, fresh.fingerprint, UTC_TIMESTAMP(3), CURRENT_USER(), ${quoteString(version)}\n` +
    `  FROM (${SELECT_TABLE_FINGERPRINTS.replaceAll('\n', '\n        ')}) AS fresh\n` +
    ` WHERE fresh.name IN (${tables.map(quoteString).join(', ')})\n` +
    `    ON DUPLICATE KEY UPDATE checksum = ${quoteString(checksum)}, fingerprint = fresh.fingerprint,\n` +
    `       applied_at = UTC_TIMESTAMP(3), applied_by = CURRENT_USER(), package_version = ${quoteString(version)}`
  );
}

/** What changes with every deployment, also with one that is cut short. */
const DEPLOYED = `(SELECT SHA2(GROUP_CONCAT(name, COALESCE(checksum, ''), COALESCE(applied_at, '') ORDER BY kind, name), 256)
       FROM ${OBJECT_TABLE})`;

/** The statements that end a script unless the database is deployed to as now. Without a registry its migrations do. */
export async function requireAsNow(db: Connection): Promise<readonly string[]> {
  const rows = await ifThere(selectColumn(db, `SELECT ${DEPLOYED}`));
  const [now] = rows ?? [];
  if (now == null) return [];
  return requireThat(
    `${DEPLOYED} = ${quoteString(now)}`,
    'the_database_was_deployed_to_since_this_was_planned',
  );
}

export interface Registry {
  readonly migrations: readonly AppliedMigration[];
  readonly objects: readonly RegisteredObject[];
}

/** The rows of order_timeout_migration, which must exist. */
export function readAppliedMigrations(db: Connection): Promise<AppliedMigration[]> {
  return select<AppliedMigration>(
    db,
    `SELECT name, checksum, applied_at AS appliedAt, applied_by AS appliedBy, package_version AS packageVersion
       FROM ${MIGRATION_TABLE} ORDER BY name`,
  );
}

/** Both tables must exist. */
export async function readRegistry(db: Connection): Promise<Registry> {
  const objects = await select<RegisteredObject>(
    db,
    `SELECT kind, name, checksum, fingerprint, package_version AS packageVersion,
            COALESCE(grants_to_restore, JSON_ARRAY()) AS grantsToRestore
       FROM ${OBJECT_TABLE} ORDER BY kind, name`,
  );
  return { migrations: await readAppliedMigrations(db), objects };
}

/** What a version before the deployed one leaves as it is would else count as the later one's for ever. */
export const registerVersion = (version: string) =>
  `UPDATE ${OBJECT_TABLE} SET package_version = ${quoteString(version)} WHERE checksum IS NOT NULL`;

/** The version after this one that has deployed something; undefined: none has. A pre-release is none. */
export const findNewer = (registry: Registry | undefined, version: string) =>
  (registry?.objects ?? [])
    .map(({ packageVersion }) => packageVersion ?? version)
    .find((other) => released(other).localeCompare(released(version), 'en', { numeric: true }) > 0);

const released = (version: string) => version.replace(/-.*/, '');

/** What the registry has of an object. */
export function findRegistered(
  registry: Registry | undefined,
  { kind, name }: { kind: string; name: string },
): RegisteredObject | undefined {
  return registry?.objects.find((row) => row.kind === kind && row.name === name);
}

/** Where information_schema has the objects of a kind, as `seen`. */
interface Place {
  readonly from: string;
  readonly name: string;
  /** Its body; NULL or empty when the account may not see it. */
  readonly body: string;
  /** Of an event: whether it is enabled. */
  readonly status?: string;
  /** What makes it what it is; an event's state, definer and sql_mode are not: each ALTER EVENT changes them. */
  readonly parts: string;
}

const routine = (type: 'FUNCTION' | 'PROCEDURE'): Place => ({
  from:
    'information_schema.routines AS seen WHERE seen.routine_schema = DATABASE()' +
    ` AND seen.routine_type = '${type}'`,
  name: 'seen.routine_name',
  body: 'seen.routine_definition',
  parts: `seen.routine_comment, seen.definer, seen.security_type,
          seen.sql_data_access, seen.is_deterministic, seen.sql_mode, seen.collation_connection,
          (SELECT GROUP_CONCAT(CONCAT_WS(' ', parameters.parameter_mode, parameters.parameter_name,
                                         parameters.dtd_identifier, parameters.collation_name)
                               ORDER BY parameters.ordinal_position)
             FROM information_schema.parameters
            WHERE parameters.specific_schema = seen.routine_schema
              AND parameters.specific_name = seen.specific_name
              AND parameters.routine_type = seen.routine_type)`,
});

const PLACES: Readonly<Record<ObjectKind, Place>> = {
  function: routine('FUNCTION'),
  procedure: routine('PROCEDURE'),
  view: {
    from: 'information_schema.views AS seen WHERE seen.table_schema = DATABASE()',
    name: 'seen.table_name',
    body: 'seen.view_definition',
    parts: 'seen.definer, seen.security_type, seen.check_option, seen.collation_connection',
  },
  event: {
    from: 'information_schema.events AS seen WHERE seen.event_schema = DATABASE()',
    name: 'seen.event_name',
    body: 'seen.event_definition',
    status: 'seen.status',
    parts:
      'seen.event_type, seen.interval_value, seen.interval_field, seen.on_completion, seen.event_comment',
  },
};

/** SHA-256 in hex; NULL when the account may not see all of it. */
const shaOf = ({ body, parts }: Place) => `IF(COALESCE(${body}, '') = '', NULL,
      SHA2(CONCAT_WS('|', ${body}, ${parts}), 256))`;

/** What there is in the schema, as rows of DeployedObject. */
export const SELECT_OBJECTS = Object.entries(PLACES)
  .map(
    ([kind, place]) => `SELECT '${kind}' AS kind, ${place.name} AS name, seen.definer AS definer,
      ${place.status ?? 'NULL'} AS status, ${shaOf(place)} AS fingerprint,
      INSTR(NULLIF(${place.body}, ''), 'order_timeout_') > 0 AS usesOurs
  FROM ${place.from}`,
  )
  .join('\nUNION ALL\n');

/** The fingerprint of one object, for use within a statement. */
function fingerprintOf(kind: ObjectKind, name: string): string {
  const place = PLACES[kind];
  return `(SELECT ${shaOf(place)}\n  FROM ${place.from} AND ${place.name} = ${quoteString(name)})`;
}

/** `SELECT name, fingerprint` of the tables of our prefix: columns, indexes, checks and foreign keys as the server has them. */
export const SELECT_TABLE_FINGERPRINTS = `SELECT tables.table_name AS name,
       SHA2(CONCAT_WS('|', tables.engine, tables.table_collation,
           (SELECT GROUP_CONCAT(column_name, ' ', column_type, ' ', is_nullable, ' ', extra, ' ',
                                COALESCE(collation_name, ''), ' ', COALESCE(column_default, ''), ' ',
                                generation_expression
                                ORDER BY ordinal_position)
              FROM information_schema.columns
             WHERE columns.table_schema = tables.table_schema AND columns.table_name = tables.table_name),
           (SELECT GROUP_CONCAT(index_name, ' ', non_unique, ' ', column_name, ' ', is_visible
                                ORDER BY index_name, seq_in_index)
              FROM information_schema.statistics
             WHERE statistics.table_schema = tables.table_schema AND statistics.table_name = tables.table_name),
           (SELECT GROUP_CONCAT(checks.check_clause ORDER BY checks.constraint_name)
              FROM information_schema.table_constraints AS named
              JOIN information_schema.check_constraints AS checks
                ON checks.constraint_schema = named.constraint_schema
               AND checks.constraint_name = named.constraint_name
             WHERE named.table_schema = tables.table_schema
               AND named.table_name = tables.table_name
               AND named.constraint_type = 'CHECK'
               AND named.enforced = 'YES'),
           (SELECT GROUP_CONCAT(constraint_name, ' ', referenced_table_name, ' ', delete_rule, ' ', update_rule
                                ORDER BY constraint_name)
              FROM information_schema.referential_constraints AS led
             WHERE led.constraint_schema = tables.table_schema AND led.table_name = tables.table_name)), 256) AS fingerprint
  FROM information_schema.tables AS tables
 WHERE tables.table_schema = DATABASE()
   AND tables.table_type = 'BASE TABLE'
   AND tables.table_name LIKE 'order\\_timeout\\_%'`;
