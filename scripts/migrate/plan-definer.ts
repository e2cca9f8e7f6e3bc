import { checksum } from './checksum';
import {
  CREATE_DEFINER,
  DEFINER_ACCOUNT,
  DEFINER_LOCK,
  DEFINER_SQL,
  type Definer,
} from './definer';
import {
  actualPrivileges,
  expectedPrivileges,
  grantStatements,
  revokeStatement,
  SCHEMA_PRIVILEGES,
  TABLE_GRANTS,
  usedViews,
  viewGrant,
} from './grants';
import { hasPrivilege, schemaMatches } from './privileges';
import { enumerate, quoteString } from './quote';
import { claimObjects, registerObject } from './registry';
import type { Source } from './source';
import type { DatabaseState } from './state';
import type { Step } from './steps';

const GRANTS_KEY = { kind: 'grants', name: DEFINER_ACCOUNT } as const;
const LOCK_SECONDS = 30;

/** What the deploying account lacks to have the objects run as an account of their own; empty: it may. */
export function lacksForDefiner({ grants, schema }: DatabaseState): string[] {
  const everywhere = ['CREATE USER', 'SET_ANY_DEFINER'].filter(
    (privilege) => !hasPrivilege(grants, privilege, {}),
  );
  const toGrant = [...SCHEMA_PRIVILEGES, 'SELECT', 'INSERT', 'UPDATE', 'DELETE'].filter(
    (privilege) => !hasPrivilege(grants, privilege, { schema }, true),
  );
  const members = { schema: 'performance_schema', table: 'replication_group_members' };
  return [
    ...everywhere.map((privilege) => `${privilege} ON *.*`),
    ...toGrant.map((privilege) => `${privilege} ON the schema WITH GRANT OPTION`),
    ...(hasPrivilege(grants, 'SELECT', members, true)
      ? []
      : [`SELECT ON performance_schema.${members.table} WITH GRANT OPTION`]),
  ];
}

/** A dedicated account when the deployer may make one. */
export function chooseDefiner(state: DatabaseState): Definer {
  return lacksForDefiner(state).length === 0 ? 'dedicated' : 'deployer';
}

/** Says whose privileges the objects have, when it isn't the dedicated account. */
export function describeDefiner(state: DatabaseState): string | undefined {
  const lacks = lacksForDefiner(state);
  return lacks.length === 0
    ? undefined
    : `The procedures and the event will run as ${state.account}: for an account of their own, this one lacks ${enumerate(lacks)}`;
}

const tableGrants = (source: Source) => [
  ...TABLE_GRANTS,
  ...usedViews(source.objects).map(viewGrant),
];

/** In which ways the definer account is not as it must be; empty also when this account may not look. */
export function definerDifferences(source: Source, state: DatabaseState): string[] {
  const { definer, schema } = state;
  if (!definer.known) return [];
  if (!definer.exists) return ['does not exist'];
  const expected = expectedPrivileges(schema, tableGrants(source));
  const actual = actualPrivileges(schema, definer.grants);
  return [
    ...(definer.locked ? [] : ['is not locked']),
    ...without(expected, actual).map((privilege) => `lacks ${privilege}`),
    ...without(actual, expected)
      .filter((privilege) => !/ performance_schema\./.test(privilege))
      .map((privilege) => `has more than it needs: ${privilege}`),
  ];
}

const without = (list: readonly string[], taken: readonly string[]) =>
  list.filter((item) => !taken.includes(item));

/**
 * The step that makes the account and gives it exactly what it needs in this schema.
 * Views that are still to be made get their grant when they are.
 */
export function planGrants(source: Source, state: DatabaseState, definer: Definer): Step[] {
  if (definer === 'deployer') return [];
  const present = usedViews(source.objects).filter((view) =>
    state.objects.some(({ kind, name }) => kind === 'view' && name === view),
  );
  const grants = grantStatements(state.schema, [...TABLE_GRANTS, ...present.map(viewGrant)]);
  const sum = checksum(CREATE_DEFINER, JSON.stringify([SCHEMA_PRIVILEGES, tableGrants(source)]));
  const registered = state.registry?.objects.find(({ kind }) => kind === 'grants');
  const isDifferent = definerDifferences(source, state).some(
    (difference) => !difference.endsWith(' *.*'),
  );
  if (registered?.checksum === sum && !isDifferent) return [];

  const { definer: account, schema } = state;
  const excess =
    account.known && account.exists
      ? without(
          actualPrivileges(schema, account.grants),
          expectedPrivileges(schema, tableGrants(source)),
        ).filter((privilege) => privilege.includes(` ${schema}.`))
      : [];
  return [
    {
      title: `definer account ${DEFINER_ACCOUNT} and its grants`,
      statements: [
        claimObjects([GRANTS_KEY]),
        // A deployment of another schema may be about to drop the account.
        `DO GET_LOCK(${quoteString(DEFINER_LOCK)}, ${LOCK_SECONDS})`,
        CREATE_DEFINER,
        ...(account.known && account.exists && !account.locked
          ? [`ALTER USER ${DEFINER_SQL} ACCOUNT LOCK`]
          : []),
        ...grants,
        ...excess.map((privilege) => revokeStatement(schema, privilege)),
        `DO RELEASE_LOCK(${quoteString(DEFINER_LOCK)})`,
        registerObject(GRANTS_KEY, sum, source.version),
      ],
    },
  ];
}

/** The step that takes the account's grants in this schema back, and drops it when no other schema uses it. */
export function planDropDefiner(state: DatabaseState, otherSchemas: readonly string[]): Step[] {
  const { definer, schema, registry } = state;
  const isOurs = registry?.objects.some(({ kind }) => kind === 'grants') === true;
  if (!definer.known || !definer.exists || !isOurs) return [];

  const usedElsewhere = definer.grants.some(
    (grant) => grant.granted && otherSchemas.some((other) => schemaMatches(grant.schema, other)),
  );
  return usedElsewhere
    ? [
        {
          title: `definer account ${DEFINER_ACCOUNT}: take back its grants here; other schemas use it`,
          statements: actualPrivileges(schema, definer.grants)
            .filter((privilege) => privilege.includes(` ${schema}.`))
            .map((privilege) => revokeStatement(schema, privilege)),
        },
      ]
    : [
        {
          title: `definer account ${DEFINER_ACCOUNT}: drop`,
          statements: [`DROP USER IF EXISTS ${DEFINER_SQL}`],
        },
      ];
}
