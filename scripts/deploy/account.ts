import { quoteString } from './text';
import { type Grants, hasPrivilege, type Place, type Privilege } from './grants';

/** The account that the engine's objects run as: one a server, nobody can log in as it. */
export const DEFINER_USER = 'order_timeout';
export const DEFINER_HOST = 'localhost';

/** As information_schema writes it. */
export const DEFINER_ACCOUNT = `${DEFINER_USER}@${DEFINER_HOST}`;

/** As SQL writes it. */
export const DEFINER_SQL = `'${DEFINER_USER}'@'${DEFINER_HOST}'`;

/** An account of information_schema, user@host, as SQL writes it. */
export function accountInSql(account: string): string {
  const at = account.lastIndexOf('@');
  return `${quoteString(account.slice(0, at))}@${quoteString(account.slice(at + 1))}`;
}

/** What the account has on the schema: to call the internal routines, and to be run by the event scheduler. */
export const SCHEMA_PRIVILEGES = ['EVENT', 'EXECUTE'];

export const SERVER_SCHEMA = 'performance_schema';
/** Where a server tells whether it is the primary of its group, a replica, takes writes and runs events. */
export const SERVER_TABLES = [
  'global_variables',
  'replication_group_members',
  'replication_connection_configuration',
];

/** The server's tables that these grants don't show. */
export const hiddenServerTables = (grants: Grants, withGrantOption = false) =>
  SERVER_TABLES.filter(
    (table) => !hasPrivilege(grants, 'SELECT', { schema: SERVER_SCHEMA, table }, withGrantOption),
  ).map((table) => `${SERVER_SCHEMA}.${table}`);

/** What the deploying account lacks to have the objects run as an account of their own; empty: it may. */
export function lacksForDefiner(grants: Grants, schema: string): string[] {
  const lacking = (privileges: readonly string[], place: Place, withGrantOption: boolean) =>
    privileges.filter((name) => !hasPrivilege(grants, name, place, withGrantOption));
  const toGrant = [...SCHEMA_PRIVILEGES, 'SELECT', 'INSERT', 'UPDATE', 'DELETE'];
  return [
    ...lacking(['CREATE USER', 'SET_ANY_DEFINER'], {}, false).map((name) => `${name} ON *.*`),
    ...lacking(toGrant, { schema }, true).map((name) => `${name} ON the schema WITH GRANT OPTION`),
    ...hiddenServerTables(grants, true).map((table) => `SELECT ON ${table} WITH GRANT OPTION`),
  ];
}

export const sayPrivilege = ({ name, schema, table, column }: Privilege) =>
  `${name}${column === undefined ? '' : ` (${column})`} ON ${schema}.${table}`;
