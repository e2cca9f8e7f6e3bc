/** A privilege in one place. */
export interface Privilege {
  /** In capitals: SELECT, ALL PRIVILEGES, SET_ANY_DEFINER. */
  readonly name: string;
  /** "*" for all schemas. */
  readonly schema: string;
  /** "*" for all tables. */
  readonly table: string;
  /** Undefined: the whole table. */
  readonly column?: string;
}

/** A privilege as SHOW GRANTS has it. Its schema is a pattern with _, % and \ unless the server has partial_revokes ON. */
export interface Grant extends Privilege {
  /** False: a partial revoke of a broader grant. */
  readonly granted: boolean;
  readonly withGrantOption: boolean;
}

const LINE =
  /^(?<verb>GRANT|REVOKE) (?<privileges>.+) ON (?<schema>\*|`(?:[^`]|``)+`)\.(?<table>\*|`(?:[^`]|``)+`) (TO|FROM) .+?(?<option> WITH GRANT OPTION)?$/;

/** Reads the lines of SHOW GRANTS; roles, proxies and grants on single routines are left out. */
export function parseGrants(lines: readonly string[]): Grant[] {
  return lines.flatMap((line) => {
    const { groups } = LINE.exec(line) ?? {};
    if (groups === undefined) return [];
    const { verb, privileges = '', schema = '', table = '', option } = groups;
    const grant = {
      schema: unquote(schema),
      table: unquote(table),
      granted: verb === 'GRANT',
      withGrantOption: option !== undefined,
    };
    const list = privileges.matchAll(/([A-Z_][A-Z_ ]*[A-Z_])(?: \(([^)]+)\))?(?:, ?|$)/g);
    return [...list].flatMap(([, name = '', columns]): Grant[] =>
      columns === undefined
        ? [{ ...grant, name }]
        : [...columns.matchAll(/`(?:[^`]|``)+`/g)].map(([column]) => ({
            ...grant,
            name,
            column: unquote(column),
          })),
    );
  });
}

const unquote = (name: string) => (name === '*' ? name : name.slice(1, -1).replaceAll('``', '`'));

/** What an account may do. */
export interface Grants {
  readonly lines: readonly Grant[];
  readonly partialRevokes: boolean;
}

/** A place in which a privilege is needed; without schema: everywhere. */
export type Place = Partial<Pick<Privilege, 'schema' | 'table'>>;

/** Whether an account with these grants has a privilege in a place, on whole tables. */
export function hasPrivilege(
  { lines, partialRevokes }: Grants,
  privilege: string,
  { schema, table }: Place,
  withGrantOption = false,
): boolean {
  const isHere = (grant: Grant) =>
    grant.schema === '*' ||
    (schema !== undefined &&
      schemaMatches(grant.schema, schema, partialRevokes) &&
      (grant.table === '*' || grant.table === table));
  const here = lines.filter(
    (grant) =>
      isHere(grant) &&
      grant.column === undefined &&
      [privilege, 'ALL PRIVILEGES', 'ALL'].includes(grant.name),
  );
  const isRevoked = here.some(({ granted }) => !granted);
  return here.some(
    (grant) =>
      grant.granted &&
      (grant.withGrantOption || !withGrantOption) &&
      !(grant.schema === '*' && isRevoked),
  );
}

/** Whether a schema-level grant's pattern is about this schema. */
export function schemaMatches(pattern: string, schema: string, partialRevokes: boolean): boolean {
  if (partialRevokes) return pattern === schema;
  const source = pattern.replace(/\\[\\_%]|[^]/g, (part) => {
    if (part === '_') return '.';
    return part === '%' ? '.*' : part.slice(-1).replace(/[.*+?^${}()|[\]\\]/, '\\$&');
  });
  return new RegExp(`^${source}$`, 's').test(schema);
}
