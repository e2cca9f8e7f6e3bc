/** One line of SHOW GRANTS. */
export interface Grant {
  /** False: a partial revoke of a broader grant. */
  readonly granted: boolean;
  readonly privileges: readonly Privilege[];
  /** "*" for all schemas; as a pattern with _, % and \ otherwise. */
  readonly schema: string;
  /** "*" for all tables. */
  readonly table: string;
  readonly withGrantOption: boolean;
}

export interface Privilege {
  /** In capitals: SELECT, ALL PRIVILEGES, SET_ANY_DEFINER. */
  readonly name: string;
  /** Undefined: the whole table. */
  readonly columns?: readonly string[];
}

const LINE =
  /^(?<verb>GRANT|REVOKE) (?<privileges>.+) ON (?<schema>\*|`(?:[^`]|``)+`)\.(?<table>\*|`(?:[^`]|``)+`) (TO|FROM) .+?(?<option> WITH GRANT OPTION)?$/;

/** Reads the lines of SHOW GRANTS; roles, proxies and grants on single routines are left out. */
export function parseGrants(lines: readonly string[]): Grant[] {
  return lines.flatMap((line) => {
    const {
      verb,
      privileges = '',
      schema = '',
      table = '',
      option,
    } = LINE.exec(line)?.groups ?? {};
    if (verb === undefined) return [];
    return [
      {
        granted: verb === 'GRANT',
        privileges: parsePrivileges(privileges),
        schema: unquote(schema),
        table: unquote(table),
        withGrantOption: option !== undefined,
      },
    ];
  });
}

function parsePrivileges(list: string): Privilege[] {
  return [...list.matchAll(/([A-Z_][A-Z_ ]*[A-Z_])(?: \(([^)]+)\))?(?:, ?|$)/g)].map(
    ([, name = '', columns]) =>
      columns === undefined
        ? { name }
        : {
            name,
            columns: [...columns.matchAll(/`((?:[^`]|``)+)`/g)].map(([, column = '']) => column),
          },
  );
}

const unquote = (name: string) => (name === '*' ? name : name.slice(1, -1).replaceAll('``', '`'));

/** A place in which a privilege is needed; without schema: everywhere. */
export interface Place {
  readonly schema?: string;
  readonly table?: string;
}

/** Whether an account with these grants has a privilege in a place, on whole tables. */
export function hasPrivilege(
  grants: readonly Grant[],
  privilege: string,
  place: Place,
  withGrantOption = false,
): boolean {
  const covers = (grant: Grant) =>
    coversPlace(grant, place) &&
    (!withGrantOption || grant.withGrantOption || !grant.granted) &&
    grant.privileges.some(
      ({ name, columns }) =>
        columns === undefined &&
        (name === privilege || name === 'ALL PRIVILEGES' || name === 'ALL'),
    );
  const isRevoked = grants.some((grant) => !grant.granted && covers(grant));
  return grants.some(
    (grant) => grant.granted && covers(grant) && !(grant.schema === '*' && isRevoked),
  );
}

function coversPlace(grant: Grant, { schema, table }: Place): boolean {
  if (grant.schema === '*') return true;
  if (schema === undefined || !schemaMatches(grant.schema, schema)) return false;
  return grant.table === '*' || grant.table === table;
}

/** Whether a schema-level grant's pattern is about this schema. */
export function schemaMatches(pattern: string, schema: string): boolean {
  const source = pattern.replace(/\\?[\s\S]/g, (character) => {
    if (character === '_') return '.';
    if (character === '%') return '.*';
    const literal =
      character.length === 2 && /[\\_%]/.test(character[1] ?? '')
        ? (character[1] ?? '')
        : character;
    return literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 's').test(schema);
}
