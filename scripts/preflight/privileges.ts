import { chooseDefiner } from '../migrate/plan-definer';
import { DEFINER_ACCOUNT } from '../migrate/definer';
import { hasPrivilege } from '../migrate/privileges';
import { enumerate, quoteName } from '../migrate/quote';
import type { DatabaseState } from '../migrate/state';

/** What deploying takes in the shop's schema. */
const NEEDED = [
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'CREATE',
  'DROP',
  'ALTER',
  'INDEX',
  'CREATE VIEW',
  'SHOW VIEW',
  'CREATE ROUTINE',
  'ALTER ROUTINE',
  'EXECUTE',
  'EVENT',
] as const;

export function checkPrivileges(state: DatabaseState): string[] {
  const { grants, schema, account, objects } = state;
  const missing = NEEDED.filter((privilege) => !hasPrivilege(grants, privilege, { schema }));
  const definer = chooseDefiner(state);
  const members = { schema: 'performance_schema', table: 'replication_group_members' };
  const foreign = objects.filter((object) => object.definer === DEFINER_ACCOUNT);
  return [
    ...(missing.length > 0
      ? [
          `${account} lacks ${enumerate(missing)} on the schema: GRANT ${missing.join(', ')} ON ${quoteName(schema)}.* TO that account`,
        ]
      : []),
    ...(definer === 'deployer' && !hasPrivilege(grants, 'SELECT', members)
      ? [
          `${account} lacks SELECT on performance_schema.replication_group_members, with which the sweep tells ` +
            'whether it runs on the primary: GRANT SELECT ON performance_schema.replication_group_members TO that account',
        ]
      : []),
    ...(definer === 'deployer' && foreign.length > 0
      ? [
          `What is deployed runs as ${DEFINER_ACCOUNT}, and ${account} may not make objects for another account: ` +
            'deploy with an account that has CREATE USER, SET_ANY_DEFINER and the right to grant',
        ]
      : []),
  ];
}
