/** What EXPLAIN FORMAT=JSON says, in its version 1. */
type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface Access {
  /** The alias in the statement. */
  readonly table: string;
  /** ALL: a full scan; index: one of an index; range, ref, eq_ref, const: through an index. */
  readonly type: string;
  readonly key: string | undefined;
  readonly keyParts: readonly string[];
  /** By the optimiser's estimate. */
  readonly rowsPerScan: number;
  /** A table of the database; otherwise a derived one, or JSON_TABLE(). */
  readonly isBase: boolean;
}

/** Every table that a plan reads, subqueries and views included. What is only inserted into is not read. */
export function accessesIn(plan: Json): Access[] {
  return objectsIn(plan).flatMap(({ table }) =>
    isObject(table) && 'access_type' in table && table.insert !== true ? [toAccess(table)] : [],
  );
}

/** The tables of the database that a plan sorts, or puts into a temporary table, to order, group or make distinct. */
export function sortedTablesIn(plan: Json): Access[] {
  return objectsIn(plan).flatMap((operation) => {
    const isSort =
      operation.using_filesort === true ||
      (operation.using_temporary_table === true &&
        !('materialized_from_subquery' in operation) &&
        !('table_function' in operation) &&
        !('query_block' in operation));
    const first = isSort ? firstAccess(operation) : undefined;
    return first?.isBase === true ? [first] : [];
  });
}

/** The table that drives an operation: those joined to it come through their indexes, row by row. */
function firstAccess(operation: Readonly<Record<string, Json>>): Access | undefined {
  return accessesIn(operation)[0];
}

function toAccess(table: Readonly<Record<string, Json>>): Access {
  const parts = table.used_key_parts;
  const name = text(table.table_name) ?? '';
  return {
    table: name,
    type: text(table.access_type) ?? '',
    key: text(table.key),
    keyParts: Array.isArray(parts) ? parts.map(String) : [],
    rowsPerScan: Number(table.rows_examined_per_scan ?? 0),
    isBase:
      !('table_function' in table) &&
      !('materialized_from_subquery' in table) &&
      !('sharing_temporary_table_with' in table) &&
      !name.startsWith('<'),
  };
}

function text(json: Json | undefined): string | undefined {
  return typeof json === 'string' ? json : undefined;
}

function isObject(json: Json | undefined): json is Readonly<Record<string, Json>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function objectsIn(json: Json): Readonly<Record<string, Json>>[] {
  if (Array.isArray(json)) return json.flatMap(objectsIn);
  return isObject(json) ? [json, ...Object.values(json).flatMap(objectsIn)] : [];
}
