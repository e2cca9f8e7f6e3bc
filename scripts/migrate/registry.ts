import { quoteString } from './quote';
import type { Migration, ObjectKind } from './source';

export const MIGRATION_TABLE = 'order_timeout_migration';
export const OBJECT_TABLE = 'order_timeout_object';

/** What the registry keeps track of beside the versioned files. */
export type RegisteredKind = ObjectKind | 'table' | 'grants';

/** A row of order_timeout_object. */
export interface RegisteredObject {
  readonly kind: RegisteredKind;
  readonly name: string;
  /** Null: its deployment has begun and not ended. */
  readonly checksum: string | null;
  /** Of what the database said of it after its deployment; views and tables only. */
  readonly definitionHash: string | null;
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
    duration_ms BIGINT UNSIGNED NOT NULL COMMENT 'How long the statements of the file took',
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Versioned files that were applied to this database, see order-timeout status'`,
  `CREATE TABLE IF NOT EXISTS ${OBJECT_TABLE} (
    kind ENUM('table', 'view', 'procedure', 'event', 'grants') NOT NULL COMMENT 'What it is',
    name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL COMMENT 'Its name; grants: the account that has them',
    checksum CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL
        COMMENT 'SHA-256 of what was deployed; NULL: the deployment of this object has begun and not ended',
    definition_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL
        COMMENT 'SHA-256 of what the database said of it then; NULL: compared with the file itself',
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

/** Run before a file, so that logMigration() knows how long the file took. */
export const START_CLOCK = 'SET @order_timeout_started_at = UTC_TIMESTAMP(3)';

export function logMigration({ name, checksum }: Migration, version: string): string {
  return (
    `INSERT INTO ${MIGRATION_TABLE} (name, checksum, applied_at, applied_by, package_version, duration_ms)\n` +
    `VALUES (${quoteString(name)}, ${quoteString(checksum)}, UTC_TIMESTAMP(3), CURRENT_USER(), ${quoteString(version)},\n` +
    `        TIMESTAMPDIFF(MICROSECOND, @order_timeout_started_at, UTC_TIMESTAMP(3)) DIV 1000)`
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

/** Keeps the grants that a DROP is about to take away. */
export function keepGrants(key: Key, grants: readonly string[]): string {
  return (
    `UPDATE ${OBJECT_TABLE} SET grants_to_restore = ${quoteString(JSON.stringify(grants))}\n ` +
    whereKey(key)
  );
}

/** The definition's hash is SQL: the database is asked when the statement runs. */
export function registerObject(
  key: Key,
  checksum: string,
  version: string,
  definitionHash = 'NULL',
): string {
  return (
    `UPDATE ${OBJECT_TABLE}\n` +
    `   SET checksum = ${quoteString(checksum)}, definition_hash = ${definitionHash}, grants_to_restore = NULL,\n` +
    `       applied_at = UTC_TIMESTAMP(3), applied_by = CURRENT_USER(), package_version = ${quoteString(version)}\n ` +
    whereKey(key)
  );
}

export function unregisterObject(key: Key): string {
  return `DELETE FROM ${OBJECT_TABLE} ${whereKey(key)}`;
}

/** The hash of what the database says of a view; NULL when the account may not see it. */
export function viewHash(view: string): string {
  return (
    `(SELECT SHA2(NULLIF(view_definition, ''), 256) FROM information_schema.views\n` +
    `         WHERE table_schema = DATABASE() AND table_name = ${quoteString(view)})`
  );
}

/** `SELECT name, hash` of our tables: columns, indexes and checks as the database has them. */
export function selectTableHashes(tables: readonly string[]): string {
  return `SELECT tables.table_name AS name,
       SHA2(CONCAT_WS('|', tables.engine, tables.table_collation,
           (SELECT GROUP_CONCAT(column_name, ' ', column_type, ' ', is_nullable, ' ', extra, ' ',
                                COALESCE(collation_name, ''), ' ', COALESCE(column_default, '')
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
               AND named.enforced = 'YES')), 256) AS hash
  FROM information_schema.tables AS tables
 WHERE tables.table_schema = DATABASE()
   AND tables.table_name IN (${tables.map(quoteString).join(', ')})`;
}

export function registerTables(
  tables: readonly string[],
  checksum: string,
  version: string,
): string {
  return (
    `INSERT INTO ${OBJECT_TABLE} (kind, name, checksum, definition_hash, applied_at, applied_by, package_version)\n` +
    `SELECT 'table', fresh.name, ${quoteString(checksum)}, fresh.hash, UTC_TIMESTAMP(3), CURRENT_USER(), ${quoteString(version)}\n` +
    `  FROM (${selectTableHashes(tables).replaceAll('\n', '\n        ')}) AS fresh\n` +
    `    ON DUPLICATE KEY UPDATE checksum = ${quoteString(checksum)}, definition_hash = fresh.hash,\n` +
    `       applied_at = UTC_TIMESTAMP(3), applied_by = CURRENT_USER(), package_version = ${quoteString(version)}`
  );
}
