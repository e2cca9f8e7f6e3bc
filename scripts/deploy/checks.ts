import type { Connection } from 'mysql2/promise';
import { checkClock } from './clock';
import { select, TRUST_FUNCTIONS } from './connection';
import { DEFINER_ACCOUNT, hiddenServerTables, lacksForDefiner } from './account';
import { nameInGrant } from './definer';
import { type Finding, mistake, remark, requireNoMistake } from './errors';
import { hasPrivilege } from './grants';
import { checkHistory } from './migrations';
import { staleObjects } from './plan';
import { findNewer, findRegistered } from './registry';
import type { Blueprint } from './shop';
import { type ObjectSource, ownTables, type Source } from './source';
import type { DatabaseState, ServerState } from './state';
import { enumerate, quoteName } from './text';

/** Throws a Refusal for a server on which even the questions of the other checks would fail. */
export async function requireMysql(db: Connection): Promise<void> {
  const [row] = await select<{ version: string; comment: string }>(
    db,
    'SELECT VERSION() AS version, @@version_comment AS comment',
  );
  requireNoMistake([...checkVersion(row?.version ?? '', row?.comment ?? '')]);
}

export interface CheckOptions {
  readonly clock?: string | undefined;
  /** The operator vouches for the clock, though the newest orders make it look wrong. */
  readonly clockIsRight?: boolean | undefined;
  /** The operator wants this version in the place of a newer one. */
  readonly older?: boolean | undefined;
}

/** Everything that stands in the way of a deployment or is worth knowing, all at once. Changes nothing. */
export async function checkAll(
  db: Connection,
  source: Source,
  blueprint: Blueprint,
  state: DatabaseState,
  { clock, clockIsRight = false, older = false }: CheckOptions,
): Promise<Finding[]> {
  return [
    ...checkServer(state.server),
    ...checkSchemaPrivileges(state),
    ...(lacksForDefiner(state.grants, state.schema).length === 0
      ? checkForDefiner(state)
      : checkAsDefiner(state)),
    ...checkHistory(source.migrations, state.registry?.migrations ?? [], older),
    ...(older ? [] : checkAge(source, state)),
    ...checkSetting(state),
    ...checkTables(source, state),
    // What can't be filled for this shop goes by the names of its files.
    ...checkNames(blueprint.objects.length > 0 ? blueprint.objects : source.objects, state),
    ...checkFunctions(blueprint, state),
    ...blueprint.findings,
    ...(await checkClock(db, blueprint, {
      isNew: clock !== undefined || state.setting === undefined,
      isRight: clockIsRight,
    })),
    ...(state.registry === undefined ? describeTriggers(state, blueprint) : []),
  ];
}

/** The oldest series whose documentation has all that is used here; tested was 9.7.4 only. */
const OLDEST = [8, 4] as const;

export function* checkVersion(version: string, comment: string): Generator<Finding> {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (/mariadb/i.test(`${version} ${comment}`))
    yield mistake(
      'server',
      `The server is MariaDB (${version})`,
      'order-timeout needs MySQL 8.4 or newer',
    );
  else if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    yield mistake(
      'server',
      `The server is MySQL ${version}`,
      'order-timeout needs 8.4 or newer (it was tested on 9.7.4)',
    );
}

/** A replica must not be changed by itself, as an account with SUPER could under read_only. */
export function* checkWritable({ variables }: ServerState): Generator<Finding> {
  const names = ['super_read_only', 'read_only', 'innodb_read_only'];
  const readOnly = names.filter((name) => variables.get(name) === 'ON');
  if (readOnly.length > 0)
    yield mistake(
      'server',
      `The server takes no writes (${enumerate(readOnly)} ON)`,
      'connect to the primary',
    );
}

/** Whether the event would run and could write, and nobody could move the clock. */
export function* checkServer(server: ServerState): Generator<Finding> {
  const scheduler = server.variables.get('event_scheduler');
  if (scheduler === 'DISABLED')
    yield mistake(
      'scheduler',
      "The event scheduler is DISABLED in the server's configuration",
      'set event_scheduler = ON there and restart the server',
    );
  if (scheduler === 'OFF')
    yield mistake('scheduler', 'The event scheduler is off', 'SET PERSIST event_scheduler = ON');
  yield* checkWritable(server);
  yield* checkConfiguration(server);
}

/** What no caller and no replica may make another result of. */
export function* checkConfiguration({ variables }: ServerState): Generator<Finding> {
  const isOn = (name: string) => variables.get(name) === 'ON';
  if (isOn('log_bin') && variables.get('binlog_format') === 'STATEMENT')
    yield mistake(
      'server',
      'binlog_format is STATEMENT, under which a replica would run every cancel again, with its own result',
      'SET PERSIST binlog_format = ROW; sessions that are open keep the old one',
    );
  if (isOn('sysdate_is_now'))
    yield mistake(
      'server',
      'The server runs with sysdate-is-now, under which a caller who sets its own timestamp decides what is due',
      'Take it out of the configuration and restart the server',
    );
}

/** A command line that was left behind somewhere would take back what a newer one has mended. */
function* checkAge({ version }: Source, { registry }: DatabaseState): Generator<Finding> {
  const newer = findNewer(registry, version);
  if (newer !== undefined)
    yield mistake(
      'version',
      `Version ${newer} is deployed here, and this is ${version}, an older one`,
      'Use the newer one; to go back to this one: --older',
    );
}

/** Without it the deployment would end with 1419 at the first function. To call one it isn't needed. */
function* checkFunctions(blueprint: Blueprint, state: DatabaseState): Generator<Finding> {
  const { server, grants, account } = state;
  const { variables } = server;
  if (
    staleObjects(blueprint, state).some(({ object }) => object.kind === 'function') &&
    variables.get('log_bin') === 'ON' &&
    variables.get('log_bin_trust_function_creators') !== 'ON' &&
    !hasPrivilege(grants, 'SUPER', {})
  )
    yield mistake(
      'functions',
      `The server logs to a binary log, and ${account} has no SUPER: then a function can be created only while ` +
        'log_bin_trust_function_creators is 1',
      `have a DBA run ${TRUST_FUNCTIONS}; after the deployment it may be 0 again`,
    );
}

/** Of a clock that is guessed the routines would be made anew. */
function* checkSetting({ setting, registry, ownTables }: DatabaseState): Generator<Finding> {
  const isApplied = (registry?.migrations ?? []).length > 0;
  if (isApplied && setting === undefined && ownTables.has('order_timeout_setting'))
    yield mistake(
      'setting',
      'order_timeout_setting has lost its row',
      'Put it back, with the clock that was deployed: CALL order_timeout_health() has the INSERT in its error',
    );
}

/** Made anew they would be empty, and what came back once could come back again: no deployment does that. */
function* checkTables({ migrations }: Source, state: DatabaseState): Generator<Finding> {
  const applied = state.registry?.migrations.map(({ name }) => name) ?? [];
  const made = ownTables({ migrations: migrations.filter(({ name }) => applied.includes(name)) });
  const lost = made.filter((name) => !state.ownTables.has(name));
  if (lost.length > 0)
    yield mistake(
      'tables',
      `${enumerate(lost)} ${lost.length > 1 ? 'were' : 'was'} deployed and dropped since`,
      'Restore the database from a backup. Made by hand, as in the folder migrations, a table is empty: ' +
        'without order_timeout_refund what came back once can come back again',
    );
}

/** Objects under our names that no deployment of ours has made must not be overwritten. */
function* checkNames(
  wanted: readonly Pick<ObjectSource, 'kind' | 'name'>[],
  { objects, registry, ownTables }: DatabaseState,
): Generator<Finding> {
  for (const object of objects) {
    const isWanted = wanted.some(({ kind, name }) => kind === object.kind && name === object.name);
    // What runs as our account is ours, also where the registry was lost.
    const isKnown =
      findRegistered(registry, object) !== undefined || object.definer === DEFINER_ACCOUNT;
    if (isWanted && !isKnown)
      yield mistake(
        'names',
        `The ${object.kind} ${object.name} already exists, and is not registered as order-timeout's`,
        'rename or drop it; if an earlier deployment left it: order-timeout down',
      );
  }
  for (const { kind, name } of wanted)
    if (kind === 'view' && ownTables.has(name))
      yield mistake(
        'names',
        `There is a table ${name}, where order-timeout needs a view`,
        'rename or drop it',
      );
}

/** What deploying takes in the shop's schema. */
const NEEDED = [
  ...['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'ALTER', 'INDEX', 'CREATE VIEW'],
  ...['SHOW VIEW', 'CREATE ROUTINE', 'ALTER ROUTINE', 'EXECUTE', 'EVENT'],
];

/** Who may not see an object must not deploy, nor take away what it does see. */
export function* checkSchemaPrivileges({ grants, schema, account }: DatabaseState) {
  const missing = NEEDED.filter((privilege) => !hasPrivilege(grants, privilege, { schema }));
  if (missing.length > 0)
    yield mistake(
      'privileges',
      `${account} lacks ${enumerate(missing)} on the schema`,
      `GRANT ${missing.join(', ')} ON ${quoteName(schema)}.* TO that account`,
    );
}

/** Where the objects would run as the deploying account. */
function* checkAsDefiner({ grants, account, schema, objects }: DatabaseState): Generator<Finding> {
  const hidden = hiddenServerTables(grants);
  const lacks = enumerate(lacksForDefiner(grants, schema));
  if (hidden.length > 0)
    yield mistake(
      'privileges',
      `${account} lacks SELECT on ${enumerate(hidden)}, with which the sweep tells whether it may run on this server`,
      hidden.map((table) => `GRANT SELECT ON ${table} TO that account`).join('; '),
    );
  yield objects.some(({ definer }) => definer === DEFINER_ACCOUNT)
    ? mistake(
        'definer',
        `What is deployed runs as ${DEFINER_ACCOUNT}, and ${account} may not make objects for another account`,
        `deploy with an account that has ${lacks}`,
      )
    : remark(
        'definer',
        `The procedures and the event will run as ${account}`,
        `for an account of their own, this one lacks ${lacks}`,
      );
}

/** MySQL refuses to create an account that objects run as already, such as after a restore (4006). */
function* checkForDefiner({
  grants,
  definer: { exists },
  objects,
  account,
  schema,
}: DatabaseState): Generator<Finding> {
  if (nameInGrant(schema, grants.partialRevokes).length > 64)
    yield mistake(
      'names',
      "The schema's name is too long for a GRANT, in which each _ and % has a backslash: 64 characters are the most",
      'use a shorter name, or partial_revokes = ON, under which it needs none',
    );
  const isUsed = objects.some(({ definer }) => definer === DEFINER_ACCOUNT);
  if (exists === false && isUsed && !hasPrivilege(grants, 'ALLOW_NONEXISTENT_DEFINER', {}))
    yield mistake(
      'definer',
      `Objects here run as ${DEFINER_ACCOUNT}, which does not exist, and ${account} may not create it again`,
      'GRANT ALLOW_NONEXISTENT_DEFINER ON *.* TO that account',
    );
}

/** A trigger that keeps a balance from the ledger would give every refund twice. */
function* describeTriggers(
  { grants, schema, account, triggers }: DatabaseState,
  { tables }: Blueprint,
): Generator<Finding> {
  const found = triggers
    .filter(({ table }) => tables.has(table))
    .map(({ table, name, when }) => `${name} (${when} on ${table})`);
  if (!hasPrivilege(grants, 'TRIGGER', { schema }))
    yield remark(
      'triggers',
      `${account} may not see whether the shop's tables have triggers`,
      'grant it TRIGGER on the schema, or look yourself',
    );
  else if (found.length > 0)
    yield remark(
      'triggers',
      `The shop's tables have triggers: ${found.join(', ')}`,
      'see that none of them changes a balance by what is written to a ledger: every refund would count twice',
    );
}
