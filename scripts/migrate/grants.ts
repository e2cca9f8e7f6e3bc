import { uses } from './dependencies';
import type { Grant } from './privileges';
import { schemaMatches } from './privileges';
import { quoteName, quoteSchemaPattern } from './quote';
import { DEFINER_SQL } from './definer';
import type { ObjectSource } from './source';

/** A privilege on a table, or on some of its columns. */
export interface TableGrant {
  readonly schema?: string;
  readonly table: string;
  readonly privileges: Readonly<Record<string, 'all' | readonly string[]>>;
}

/** On the schema: to call the internal procedures, and to be run by the event scheduler. */
export const SCHEMA_PRIVILEGES = ['EVENT', 'EXECUTE'] as const;

/** All that the definer account may do. A statement that needs more fails in the tests. */
export const TABLE_GRANTS: readonly TableGrant[] = [
  // The shop's tables: no DELETE anywhere, and UPDATE of single columns only.
  { table: 'orders', privileges: { SELECT: 'all', UPDATE: ['status', 'cancelled_at'] } },
  { table: 'order_coupons', privileges: { SELECT: 'all' } },
  {
    table: 'user_coupons',
    privileges: { SELECT: 'all', UPDATE: ['status', 'balance_amount', 'used_order_id', 'used_at'] },
  },
  { table: 'user_coupon_ledger', privileges: { SELECT: 'all', INSERT: 'all' } },
  { table: 'user_points', privileges: { SELECT: 'all', INSERT: 'all', UPDATE: ['points'] } },
  { table: 'user_points_ledger', privileges: { SELECT: 'all', INSERT: 'all' } },

  { table: 'order_timeout_setting', privileges: { SELECT: 'all' } },
  { table: 'order_timeout_policy', privileges: { SELECT: 'all' } },
  { table: 'order_timeout_heartbeat', privileges: { SELECT: 'all', UPDATE: 'all' } },
  {
    table: 'order_timeout_run',
    privileges: { SELECT: 'all', INSERT: 'all', UPDATE: 'all', DELETE: 'all' },
  },
  {
    table: 'order_timeout_batch',
    privileges: { SELECT: 'all', INSERT: 'all', UPDATE: 'all', DELETE: 'all' },
  },
  {
    table: 'order_timeout_cancellation',
    privileges: { SELECT: 'all', INSERT: 'all', UPDATE: 'all', DELETE: 'all' },
  },
  {
    table: 'order_timeout_refund',
    privileges: { SELECT: 'all', INSERT: 'all', UPDATE: 'all', DELETE: 'all' },
  },
  {
    table: 'order_timeout_failure',
    privileges: { SELECT: 'all', INSERT: 'all', UPDATE: 'all', DELETE: 'all' },
  },
  {
    table: 'order_timeout_hold',
    privileges: { SELECT: 'all', INSERT: 'all', UPDATE: 'all', DELETE: 'all' },
  },

  // A member of a group sweeps only as its primary.
  {
    schema: 'performance_schema',
    table: 'replication_group_members',
    privileges: { SELECT: 'all' },
  },
];

/** The views that our own procedures and views read, as the definer. Others are for people: the caller reads them. */
export function usedViews(objects: readonly ObjectSource[]): string[] {
  return objects
    .filter((view) => view.kind === 'view')
    .filter((view) => objects.some((object) => object !== view && uses(object, view)))
    .map(({ name }) => name);
}

export function viewGrant(view: string): TableGrant {
  return { table: view, privileges: { SELECT: 'all' } };
}

/** GRANT statements for the schema and for each table. */
export function grantStatements(schema: string, tables: readonly TableGrant[]): string[] {
  return [
    `GRANT ${SCHEMA_PRIVILEGES.join(', ')} ON ${quoteSchemaPattern(schema)}.* TO ${DEFINER_SQL}`,
    ...tables.map((grant) => grantStatement(schema, grant)),
  ];
}

export function grantStatement(
  schema: string,
  { schema: owner = schema, table, privileges }: TableGrant,
): string {
  return `GRANT ${listPrivileges(privileges)} ON ${quoteName(owner)}.${quoteName(table)} TO ${DEFINER_SQL}`;
}

function listPrivileges(privileges: TableGrant['privileges']): string {
  return Object.entries(privileges)
    .map(([name, columns]) => (columns === 'all' ? name : `${name} (${columns.join(', ')})`))
    .join(', ');
}

/** What an account has to have, or has: "SELECT shop.orders", "UPDATE shop.orders.status", "EXECUTE shop.*". */
export function expectedPrivileges(schema: string, tables: readonly TableGrant[]): string[] {
  return [
    ...SCHEMA_PRIVILEGES.map((name) => `${name} ${schema}.*`),
    ...tables.flatMap(({ schema: owner = schema, table, privileges }) =>
      Object.entries(privileges).flatMap(([name, columns]) =>
        columns === 'all'
          ? [`${name} ${owner}.${table}`]
          : columns.map((column) => `${name} ${owner}.${table}.${column}`),
      ),
    ),
  ].sort();
}

/** What these grants allow in the schema and in performance_schema, spelled as expectedPrivileges() does. */
export function actualPrivileges(schema: string, grants: readonly Grant[]): string[] {
  return grants
    .filter(({ granted }) => granted)
    .flatMap((grant) => {
      const owner =
        grant.table === '*' && grant.schema !== '*' && schemaMatches(grant.schema, schema)
          ? schema
          : grant.schema;
      if (owner !== schema && owner !== 'performance_schema' && owner !== '*') return [];
      return grant.privileges
        .filter(({ name }) => name !== 'USAGE')
        .flatMap(({ name, columns = [''] }) =>
          columns.map(
            (column) => `${name} ${owner}.${grant.table}${column === '' ? '' : `.${column}`}`,
          ),
        );
    })
    .sort();
}

/** REVOKE for a privilege as actualPrivileges() spells it, in this schema. */
export function revokeStatement(schema: string, privilege: string): string {
  const [, name = '', rest = ''] = /^([A-Z_ ]+) (.+)$/s.exec(privilege) ?? [];
  const [table = '', column] = rest.slice(schema.length + 1).split('.');
  return table === '*'
    ? `REVOKE ${name} ON ${quoteSchemaPattern(schema)}.* FROM ${DEFINER_SQL}`
    : `REVOKE ${name}${column === undefined ? '' : ` (${quoteName(column)})`}` +
        ` ON ${quoteName(schema)}.${quoteName(table)} FROM ${DEFINER_SQL}`;
}
