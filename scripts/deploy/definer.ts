import {
  DEFINER_ACCOUNT,
  DEFINER_HOST,
  DEFINER_SQL,
  DEFINER_USER,
  sayPrivilege,
  SCHEMA_PRIVILEGES,
  SERVER_SCHEMA,
  SERVER_TABLES,
} from './account';
import { type Grant, type Grants, type Privilege, schemaMatches } from './grants';
import { claimObjects, findRegistered, registerObject } from './registry';
import { ownTables, usedViews } from './source';
import type { Blueprint } from './shop';
import type { DatabaseState } from './state';
import type { Step } from './step';
import { checksum, doUnless, groupBy, quoteName, quoteString, requireThat } from './text';

/** The hash that MySQL's own locked accounts have: no password hashes to it. */
const NO_PASSWORD = '$A$005$THISISACOMBINATIONOFINVALIDSALTANDPASSWORDTHATMUSTNEVERBRBEUSED';

export const CREATE_DEFINER =
  `CREATE USER IF NOT EXISTS ${DEFINER_SQL}\n` +
  `    IDENTIFIED WITH caching_sha2_password AS '${NO_PASSWORD}'\n` +
  `    ACCOUNT LOCK\n` +
  `    COMMENT 'The procedures and the event of order-timeout run as this account; nobody logs in as it'`;

/**
 * Creates it only where it is not there: of an account that objects run as, IF NOT EXISTS is refused as well (4006).
 * A deployment of another schema may have been quicker.
 */
const CREATE_DEFINER_WHERE_MISSING = doUnless(
  `EXISTS (SELECT 1 FROM information_schema.user_attributes WHERE user = '${DEFINER_USER}' AND host = '${DEFINER_HOST}')`,
  CREATE_DEFINER,
);

/** Held while the account is made or dropped: the account is the server's, deployments are a schema's. */
export const DEFINER_LOCK = 'order_timeout_definer';

/** Our own tables of which the engine needs less than all: people change some, and nothing is taken out of others. */
const OWN_PRIVILEGES: Readonly<Record<string, readonly string[]>> = {
  order_timeout_setting: ['SELECT'],
  order_timeout_policy: ['SELECT'],
  order_timeout_ledger_action: ['SELECT'],
  order_timeout_shop: ['SELECT'],
  order_timeout_heartbeat: ['SELECT', 'INSERT', 'UPDATE'],
  order_timeout_payment: ['SELECT', 'INSERT', 'UPDATE'],
  order_timeout_finding: ['SELECT', 'INSERT', 'UPDATE'],
};

const on = (schema: string, table: string, names: readonly string[]): Privilege[] =>
  names.map((name) => ({ name, schema, table }));

/** Through the views in sql/shop the engine writes; what may be written the grants on the tables say. */
function viewPrivileges(schema: string, view: string): Privilege[] {
  if (view.startsWith('order_timeout_shop_'))
    return on(schema, view, ['SELECT', 'INSERT', 'UPDATE']);
  // Rows of these are locked, which asks for a privilege to change them.
  const isLocked = view.startsWith('order_timeout_reach_');
  return on(schema, view, isLocked ? ['SELECT', 'UPDATE'] : ['SELECT']);
}

/** All that the account may do. A statement that needs more fails in the tests. */
export function neededPrivileges(blueprint: Blueprint, schema: string): Privilege[] {
  return [
    ...on(schema, '*', SCHEMA_PRIVILEGES),
    ...blueprint.shopPrivileges,
    ...ownTables(blueprint).flatMap((table) =>
      on(schema, table, OWN_PRIVILEGES[table] ?? ['SELECT', 'INSERT', 'UPDATE', 'DELETE']),
    ),
    ...SERVER_TABLES.flatMap((table) => on(SERVER_SCHEMA, table, ['SELECT'])),
    ...usedViews(blueprint.objects).flatMap((view) => viewPrivileges(schema, view)),
  ];
}

/** What these grants allow in the schema and in performance_schema, and everywhere. */
export function actualPrivileges(schema: string, { lines, partialRevokes }: Grants): Privilege[] {
  const isHere = (grant: Grant) =>
    grant.schema !== '*' &&
    grant.table === '*' &&
    schemaMatches(grant.schema, schema, partialRevokes);
  return lines
    .filter(({ granted, name }) => granted && name !== 'USAGE')
    .map((grant) => (isHere(grant) ? { ...grant, schema } : grant))
    .filter((grant) => [schema, SERVER_SCHEMA, '*'].includes(grant.schema));
}

const without = (list: readonly Privilege[], taken: readonly Privilege[]) => {
  const names = new Set(taken.map(sayPrivilege));
  return list.filter((privilege) => !names.has(sayPrivilege(privilege)));
};

/** In GRANT and REVOKE ON schema.* an _ and % are wildcards, unless the server has partial_revokes ON. */
export const nameInGrant = (schema: string, partialRevokes: boolean) =>
  partialRevokes ? schema : schema.replace(/[\\_%]/g, '\\$&');

function placeInSql({ schema, table }: Privilege, partialRevokes: boolean): string {
  return table === '*'
    ? `${quoteName(nameInGrant(schema, partialRevokes))}.*`
    : `${quoteName(schema)}.${quoteName(table)}`;
}

function privilegeInSql(name: string, columns: readonly (string | undefined)[]): string {
  const named = columns.filter((column) => column !== undefined);
  return named.length === 0 ? name : `${name} (${named.map(quoteName).join(', ')})`;
}

/** A statement for each place. */
function grantStatements(privileges: readonly Privilege[], partialRevokes: boolean) {
  const places = groupBy(privileges, (privilege) => placeInSql(privilege, partialRevokes));
  return [...places].map(([place, here]) => {
    const names = [...groupBy(here, ({ name }) => name)].map(([name, list]) =>
      privilegeInSql(
        name,
        list.map(({ column }) => column),
      ),
    );
    return `GRANT ${names.join(', ')} ON ${place} TO ${DEFINER_SQL}`;
  });
}

export function revokeStatement(privilege: Privilege, partialRevokes: boolean): string {
  const what = privilegeInSql(privilege.name, [privilege.column]);
  return `REVOKE ${what} ON ${placeInSql(privilege, partialRevokes)} FROM ${DEFINER_SQL}`;
}

/** For an object that was just made: what the account needs of it. */
export const grantsOnView = ({ schema, grants }: DatabaseState, view: string) =>
  grantStatements(viewPrivileges(schema, view), grants.partialRevokes);

/** How the account is not as it must be; what the deploying account may not see counts as it must be. */
export function compareDefiner(
  blueprint: Blueprint,
  { definer: { exists, locked, grants }, schema, objects }: DatabaseState,
) {
  const needed = neededPrivileges(blueprint, schema);
  const actual = grants && actualPrivileges(schema, grants);
  const isMissing = exists === false;
  const grantable = needed.filter(isGrantable(blueprint, objects));
  return {
    isMissing,
    isUnlocked: locked === false,
    lacks: isMissing || actual === undefined ? [] : without(grantable, actual),
    /** More than it needs in this schema, or everywhere. */
    excess: without(actual ?? [], needed).filter((privilege) => privilege.schema !== SERVER_SCHEMA),
    needed,
    grantable,
  };
}

/** Views that are still to be made get their grant when they are. */
const isGrantable =
  ({ objects }: Blueprint, present: DatabaseState['objects']) =>
  ({ table }: Privilege) => {
    const isView = ({ kind, name }: { kind: string; name: string }) =>
      kind === 'view' && name === table;
    return !objects.some(isView) || present.some(isView);
  };

const GRANTS_KEY = { kind: 'grants', name: DEFINER_ACCOUNT } as const;

/** What the account needs no more in this schema. Until all is replaced the earlier routines need it. */
export function* planRevokes(blueprint: Blueprint, state: DatabaseState): Generator<Step> {
  if (!state.isDedicated) return;
  const here = compareDefiner(blueprint, state).excess.filter(
    ({ schema }) => schema === state.schema,
  );
  if (here.length > 0)
    yield {
      title: `definer account ${DEFINER_ACCOUNT}: what it needs no more`,
      statements: here.map((privilege) => revokeStatement(privilege, state.grants.partialRevokes)),
    };
}

/** The step that makes the account and gives it exactly what it needs in this schema. */
export function* planGrants(blueprint: Blueprint, state: DatabaseState): Generator<Step> {
  if (!state.isDedicated) return;
  const { isMissing, isUnlocked, lacks, needed, grantable } = compareDefiner(blueprint, state);
  const { partialRevokes } = state.grants;
  const sum = checksum(
    CREATE_DEFINER,
    ...needed.map((one) =>
      sayPrivilege(one.schema === state.schema ? { ...one, schema: '' } : one),
    ),
  );
  const isAsRegistered = findRegistered(state.registry, GRANTS_KEY)?.checksum === sum;
  if (isAsRegistered && !isMissing && !isUnlocked && lacks.length === 0) return;
  yield {
    title: `definer account ${DEFINER_ACCOUNT} and its grants`,
    statements: [
      claimObjects([GRANTS_KEY]),
      // A removal from another schema may be about to drop the account.
      ...requireThat(
        `GET_LOCK(${quoteString(DEFINER_LOCK)}, 30) = 1`,
        'order_timeout_is_being_removed_from_another_database',
      ),
      ...CREATE_DEFINER_WHERE_MISSING,
      ...(isUnlocked ? [`ALTER USER ${DEFINER_SQL} ACCOUNT LOCK`] : []),
      ...grantStatements(grantable, partialRevokes),
      `DO RELEASE_LOCK(${quoteString(DEFINER_LOCK)})`,
      registerObject(GRANTS_KEY, sum, blueprint.version),
    ],
  };
}

/**
 * The step that takes the account's grants in this schema back, and drops it when no other schema uses it.
 * `otherSchemas`: those that there are; undefined: this account doesn't see all, so every grant counts.
 */
export function* planDropDefiner(
  { definer, schema, registry }: DatabaseState,
  otherSchemas: readonly string[] | undefined,
): Generator<Step> {
  if (definer.exists !== true || definer.grants === undefined) return;
  const { lines, partialRevokes } = definer.grants;
  const isAbout = (grant: Grant, name: string) => schemaMatches(grant.schema, name, partialRevokes);
  const isUsed = lines.some(
    (grant) =>
      grant.granted &&
      !['*', SERVER_SCHEMA].includes(grant.schema) &&
      !isAbout(grant, schema) &&
      (otherSchemas?.some((name) => isAbout(grant, name)) ?? true),
  );
  const statements = actualPrivileges(schema, definer.grants)
    .filter((privilege) => privilege.schema === schema)
    .map((privilege) => revokeStatement(privilege, partialRevokes));
  const title = `definer account ${DEFINER_ACCOUNT}: `;
  if (isUsed && statements.length > 0)
    yield { title: `${title}take back its grants here; other schemas use it`, statements };
  if (!isUsed && (statements.length > 0 || findRegistered(registry, GRANTS_KEY) !== undefined))
    yield { title: `${title}drop`, statements: [`DROP USER IF EXISTS ${DEFINER_SQL}`] };
}

/** The account that the event ought to run as; undefined: whoever deployed it. */
export const intendedDefiner = ({ registry }: DatabaseState) =>
  findRegistered(registry, GRANTS_KEY) && DEFINER_ACCOUNT;
