import type { Connection } from 'mysql2/promise';
import { select, selectColumn } from './connection';
import {
  DEFINER_ACCOUNT,
  DEFINER_HOST,
  DEFINER_SQL,
  DEFINER_USER,
  lacksForDefiner,
} from './account';
import { ifAllowed, ifThere, unless } from './errors';
import {
  findRegistered,
  readRegistry,
  SELECT_OBJECTS,
  SELECT_TABLE_FINGERPRINTS,
} from './registry';
import { type Grants, hasPrivilege, parseGrants } from './grants';
import type { ObjectKind, Source } from './source';
import { DUE_INDEX } from './tables';
import { groupBy } from './text';

/** The clock of a new deployment; order_timeout_setting's default. */
export const DEFAULT_CLOCK = '+00:00';

/** The database as it is, as far as a deployment cares. Read once, decided on by pure functions. */
export type DatabaseState = Awaited<ReturnType<typeof readState>>;

export interface ServerState {
  readonly version: string;
  readonly comment: string;
  /** By name, such as event_scheduler; missing ones the server doesn't have. */
  readonly variables: ReadonlyMap<string, string>;
}

export interface DeployedObject {
  readonly kind: ObjectKind;
  readonly name: string;
  /** user@host */
  readonly definer: string;
  /** Events: ENABLED, DISABLED, REPLICA_SIDE_DISABLED (off because it came from another server). */
  readonly status: string | null;
  /** SHA-256 of what the server says of it; null: this account may not see it. */
  readonly fingerprint: string | null;
  /** It calls or reads something of our prefix; null: this account may not see it. */
  readonly usesOurs: 0 | 1 | null;
}

export interface RoutineGrant {
  /** user@host */
  readonly account: string;
  /** Execute, Alter Routine, Grant. */
  readonly privileges: readonly string[];
}

/** Reads all that a deployment decides on, but for the shop's side. */
export async function readState(db: Connection, source: Pick<Source, 'objects'>) {
  const [session] = await select<Omit<ServerState, 'variables'> & Record<'db' | 'account', string>>(
    db,
    'SELECT DATABASE() AS db, CURRENT_USER() AS account, VERSION() AS version, @@version_comment AS comment',
  );
  if (session === undefined) throw new Error('The server answered SELECT without a row');
  const { db: schema, account, version, comment } = session;
  const server: ServerState = { version, comment, variables: await readVariables(db) };
  const partialRevokes = server.variables.get('partial_revokes') === 'ON';
  const grants: Grants = { lines: await readOwnGrants(db), partialRevokes };
  /** Undefined: there is none. */
  const registry = await ifThere(readRegistry(db));
  const objects = await readObjects(db, [...source.objects, ...(registry?.objects ?? [])]);
  return {
    server,
    schema,
    /** The account that deploys, as CURRENT_USER() says. */
    account,
    grants,
    /** Tables of our prefix, with their fingerprints. */
    ownTables: await readOwnTables(db),
    registry,
    /** What there is of our prefix, and under the names of our other functions, views, procedures and events. */
    objects,
    /** Of the tables on which this account has TRIGGER. */
    triggers: await readTriggers(db),
    /** Our indexes on tables of the shop. */
    ownIndexes: await readOwnIndexes(db),
    /** The one row of order_timeout_setting; undefined: there is none yet. */
    setting: (await ifThere(readSetting(db)))?.[0],
    definer: await readDefiner(db, grants),
    /** The objects run as an account of their own, or are to: the deploying one may make one. */
    isDedicated:
      lacksForDefiner(grants, schema).length === 0 ||
      objects.some(({ definer }) => definer === DEFINER_ACCOUNT),
    /** user@host; undefined: this account may not see them. */
    accounts: await ifAllowed(selectColumn(db, "SELECT CONCAT(user, '@', host) FROM mysql.user")),
    /** EXECUTE and the like, by "procedure name" or "function name"; undefined: this account may not read them. */
    routineGrants: await ifAllowed(readRoutineGrants(db, schema)),
  };
}

export function findDeployed(
  { objects }: DatabaseState,
  { kind, name }: { kind: string; name: string },
): DeployedObject | undefined {
  return objects.find((object) => object.kind === kind && object.name === name);
}

const SHOW_ROUTINES = ['EXECUTE', 'ALTER ROUTINE', 'CREATE ROUTINE', 'SHOW_ROUTINE'];

/** With one of these on the schema an account sees which objects of a kind there are. */
const SHOWN_BY: Readonly<Record<ObjectKind, readonly string[]>> = {
  function: SHOW_ROUTINES,
  view: ['SELECT'],
  procedure: SHOW_ROUTINES,
  event: ['EVENT'],
};

/** Whether this account would see an object of this kind, if there were one. */
export const seesKind = (kind: ObjectKind, { grants, schema }: DatabaseState) =>
  SHOWN_BY[kind].some((privilege) => hasPrivilege(grants, privilege, { schema })) ||
  (kind !== 'event' && hasPrivilege(grants, 'SELECT', {}));

/** Neither there nor hidden from this account. */
export const isMissing = (object: { kind: ObjectKind; name: string }, state: DatabaseState) =>
  findDeployed(state, object) === undefined && seesKind(object.kind, state);

/** As what is there is to be compared and mended: "up" may have it run as another account, and says so itself. */
export const asDeployed = (state: DatabaseState): DatabaseState => ({
  ...state,
  isDedicated:
    state.objects.length === 0 ? state.isDedicated : definersOf(state).includes(DEFINER_ACCOUNT),
});

/** The accounts that the objects run as. */
export const definersOf = ({ objects }: DatabaseState) => [
  ...new Set(objects.map(({ definer }) => definer)),
];

/**
 * What is ours by what is there: of our registry, of our account, of our prefix, or of one of our other names and
 * using what is of our prefix.
 */
export function isOurs(object: DeployedObject, { registry }: DatabaseState): boolean {
  return (
    object.name.startsWith('order_timeout_') ||
    object.definer === DEFINER_ACCOUNT ||
    object.usesOurs === 1 ||
    findRegistered(registry, object) !== undefined
  );
}

const VARIABLES = [
  'event_scheduler',
  'read_only',
  'super_read_only',
  'innodb_read_only',
  'log_bin',
  'log_bin_trust_function_creators',
  'binlog_format',
  'partial_revokes',
  'innodb_autoinc_lock_mode',
];

async function readVariables(db: Connection): Promise<Map<string, string>> {
  const rows = await select<{ Variable_name: string; Value: string }>(
    db,
    `SHOW GLOBAL VARIABLES WHERE variable_name IN (${VARIABLES.map((name) => `'${name}'`).join(', ')})`,
  );
  // Of this one the server has no variable.
  const [clock] = await select<{ stands: number }>(
    db,
    'SELECT SLEEP(0.01) + (SYSDATE(6) = NOW(6)) AS stands',
  );
  return new Map([
    ...rows.map(({ Variable_name, Value }) => [Variable_name, Value] as const),
    ['sysdate_is_now', clock?.stands === 1 ? 'ON' : 'OFF'],
  ]);
}

async function readOwnTables(db: Connection) {
  const tables = await select<{ name: string; fingerprint: string }>(db, SELECT_TABLE_FINGERPRINTS);
  return new Map(tables.map(({ name, fingerprint }) => [name, fingerprint]));
}

const readObjects = (db: Connection, named: readonly { readonly name: string }[]) =>
  select<DeployedObject>(
    db,
    `SELECT * FROM (${SELECT_OBJECTS}) AS found
      WHERE name LIKE 'order\\_timeout\\_%' OR name IN (?)
      ORDER BY kind, name`,
    [['', ...named.map(({ name }) => name)]],
  );

const readTriggers = (db: Connection) =>
  select<{ table: string; name: string; when: string }>(
    db,
    `SELECT event_object_table AS \`table\`, trigger_name AS name,
            CONCAT(action_timing, ' ', event_manipulation) AS \`when\`
       FROM information_schema.triggers
      WHERE event_object_schema = DATABASE()
      ORDER BY event_object_table, trigger_name`,
  );

/** By their names, which planIndexes gives: a shop may have an index on a column order_timeout_at of its own. */
const readOwnIndexes = (db: Connection) =>
  select<{ table: string; name: string }>(
    db,
    `SELECT table_name AS \`table\`, index_name AS name
       FROM information_schema.statistics
      WHERE table_schema = DATABASE() AND index_name LIKE 'order\\_timeout\\_%'
        AND table_name NOT LIKE 'order\\_timeout\\_%'
      GROUP BY table_name, index_name
     HAVING MIN(non_unique) = 1
        AND name IN ('${DUE_INDEX}', LEFT(CONCAT('order_timeout_',
                GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR '_')), 64))
      ORDER BY table_name, index_name`,
  );

const readSetting = (db: Connection) =>
  select<{ clock: string; paused: 0 | 1 }>(db, 'SELECT clock, paused FROM order_timeout_setting');

async function readGrants(db: Connection, account: string) {
  return parseGrants(await selectColumn(db, `SHOW GRANTS FOR ${account}`));
}

async function readOwnGrants(db: Connection) {
  const [roles = 'NONE'] = await selectColumn(db, 'SELECT CURRENT_ROLE()');
  return readGrants(db, `CURRENT_USER()${roles === 'NONE' ? '' : ` USING ${roles}`}`);
}

const NO_SUCH_GRANT = 1141;

/** Whoever may create accounts sees which there are, but not what they may do. */
async function readDefiner(db: Connection, grants: Grants) {
  const account = [DEFINER_USER, DEFINER_HOST];
  const ofUser = 'WHERE user = ? AND host = ?';
  const seen = await selectColumn(
    db,
    `SELECT user FROM information_schema.user_attributes ${ofUser}`,
    account,
  );
  const locked = await ifAllowed(
    selectColumn(db, `SELECT account_locked FROM mysql.user ${ofUser}`, account),
  );
  const lines = await ifAllowed(
    unless([NO_SUCH_GRANT], readGrants(db, DEFINER_SQL)).then((found) => found ?? []),
  );
  const isSeen = seen.length > 0 || locked?.[0] !== undefined;
  const maySee = isSeen || locked !== undefined || hasPrivilege(grants, 'CREATE USER', {});
  /** Each undefined: this account may not see it. */
  return {
    exists: maySee ? isSeen : undefined,
    locked: locked?.[0] === undefined ? undefined : locked[0] === 'Y',
    grants: lines && { ...grants, lines },
  };
}

async function readRoutineGrants(db: Connection, schema: string) {
  const rows = await select<{ routine: string; account: string; privileges: string }>(
    db,
    `SELECT CONCAT(LOWER(routine_type), ' ', routine_name) AS routine, CONCAT(user, '@', host) AS account,
            proc_priv AS privileges
       FROM mysql.procs_priv
      WHERE db = ? AND routine_type IN ('PROCEDURE', 'FUNCTION')
      ORDER BY routine_name, user, host`,
    [schema],
  );
  const grants = rows.map((row) => ({ ...row, privileges: row.privileges.split(',') }));
  return groupBy(grants, ({ routine }) => routine);
}
