import type { Connection } from 'mysql2/promise';
import { select } from './connection';
import { groupBy, quoteName } from './text';
import { soleColumn } from './shop-file/expressions';
import type { Rule, ShopFile } from './shop-file/schema';
import type { Step } from './step';

/** A table or view as information_schema has it. */
export interface Table {
  readonly name: string;
  /** BASE TABLE, VIEW, SYSTEM VIEW. */
  readonly type: string;
  readonly engine: string | null;
  /** By lower-case name. */
  readonly columns: ReadonlyMap<string, Column>;
  readonly indexes: readonly Index[];
}

/** As SQL says yes and no. */
type Flag = 1 | 0;

export interface Column {
  readonly name: string;
  /** bigint, varchar, enum ... */
  readonly type: string;
  /** With length and values: "enum('a','b')", "bigint unsigned". */
  readonly fullType: string;
  readonly nullable: Flag;
  readonly hasDefault: Flag;
  readonly autoIncrement: Flag;
  readonly generated: Flag;
  /** Maximum length in characters; null unless it is text. */
  readonly characters: number | null;
  readonly charset: string | null;
  readonly collation: string | null;
  readonly comment: string;
}

interface Index {
  readonly name: string;
  readonly visible: Flag;
  readonly unique: Flag;
  /** BTREE, HASH, FULLTEXT, SPATIAL. */
  readonly type: string;
  readonly parts: readonly IndexPart[];
}

interface IndexPart {
  /** Null: an expression. */
  readonly column: string | null;
  /** Leading characters in the index; null: the whole column. */
  readonly prefix: number | null;
  readonly descending: Flag;
}

/** Tables of this database with their columns and indexes; all but the engine's when none is named. */
export async function readTables(
  db: Connection,
  names?: readonly string[],
): Promise<Map<string, Table>> {
  const isOfInterest =
    names === undefined ? "table_name NOT LIKE 'order\\_timeout\\_%'" : 'table_name IN (?)';
  const read = <Row>(what: string, from: string, order: string) =>
    select<Row & { readonly owner: string }>(
      db,
      `SELECT table_name AS owner, ${what} FROM information_schema.${from}
        WHERE table_schema = DATABASE() AND ${isOfInterest} ORDER BY ${order}`,
      names === undefined ? [] : [names],
    );
  const tables = await read<Omit<Table, 'columns' | 'indexes'>>(
    'table_name AS name, table_type AS type, engine AS engine',
    'tables',
    'name',
  );
  const columns = await read<Column>(
    `column_name AS name, LOWER(data_type) AS type, column_type AS fullType,
     is_nullable = 'YES' AS nullable, extra LIKE '%auto_increment%' AS autoIncrement,
     column_default IS NOT NULL OR extra LIKE '%DEFAULT_GENERATED%' AS hasDefault,
     generation_expression <> '' AS \`generated\`,
     character_maximum_length AS characters, character_set_name AS charset,
     collation_name AS collation,
     column_comment AS comment`,
    'columns',
    'ordinal_position',
  );
  const parts = await read<Omit<Index, 'parts'> & IndexPart>(
    `index_name AS name, is_visible = 'YES' AS visible, non_unique = 0 AS \`unique\`, index_type AS type,
     column_name AS \`column\`, sub_part AS prefix, COALESCE(collation = 'D', 0) AS descending`,
    'statistics',
    "index_name <> 'PRIMARY', index_name, seq_in_index",
  );
  const ownerOf = ({ owner }: { readonly owner: string }) => owner;
  const columnsOf = groupBy(columns, ownerOf);
  const partsOf = groupBy(parts, ownerOf);
  return new Map(
    tables.map((table) => {
      const named = columnsOf
        .get(table.owner)
        ?.map((one) => [one.name.toLowerCase(), one] as const);
      const byIndex = groupBy(partsOf.get(table.owner) ?? [], ({ name }) => name);
      const indexes = [...byIndex.values()].flatMap((own) =>
        own.slice(0, 1).map((index) => ({ ...index, parts: own })),
      );
      return [table.name, { ...table, columns: new Map(named), indexes }];
    }),
  );
}

/** The one that the sweep reads; the others are named after their columns. */
export const DUE_INDEX = 'order_timeout_due';

/** How rows are looked for. */
interface Access {
  /** In the shop file. */
  readonly path: string;
  readonly table: string;
  readonly columns: readonly (string | undefined)[];
  /** Others that would do. */
  readonly or?: readonly (readonly string[])[] | undefined;
  /** Of a primary or unique key on just these. */
  readonly unique?: boolean;
  readonly name?: string;
}

/** An index that the engine needs on a table of the shop. */
export interface NeededIndex extends Required<Omit<Access, 'columns' | 'or'>> {
  /** It must lead with these. Its name is that of the one that is there, else for the one to be made. */
  readonly columns: readonly string[];
  readonly isThere: boolean;
}

/** One for each way in which the engine looks for rows. */
export function neededIndexes(file: ShopFile, tables: ReadonlyMap<string, Table>): NeededIndex[] {
  return [...accessesOf(file)].flatMap(({ columns: named, or = [], unique = false, ...access }) => {
    const indexes = tables.get(access.table)?.indexes;
    const columns = named.filter((column) => column !== undefined);
    if (indexes === undefined || columns.length === 0) return [];
    const serves = (index: Index, wanted: readonly string[]) =>
      // Behind a part of a text rows are in no order, and the sweep takes the oldest first.
      leadsWith(index, wanted, access.name === DUE_INDEX ? Infinity : ENOUGH_CHARACTERS) &&
      (!unique || (index.unique === 1 && index.parts.length === wanted.length));
    const [found] = [columns, ...or].flatMap((wanted) =>
      indexes.filter((index) => serves(index, wanted)),
    );
    const ours = access.name ?? `order_timeout_${columns.join('_')}`.slice(0, 64);
    const isThere = found !== undefined;
    return [{ ...access, columns, unique, name: found?.name ?? ours, isThere }];
  });
}

/** As many characters as the longest id has digits: a shorter part of a text does not tell ids apart. */
const ENOUGH_CHARACTERS = 20;

/**
 * Whether the index leads with these columns, in this order, so that a search by them is served. A text may stand in it
 * with so many of its first characters.
 */
function leadsWith({ visible, type, parts }: Index, columns: readonly string[], enough: number) {
  const serves = (column: string, position: number) => {
    const part = parts[position];
    return (
      part?.column?.toLowerCase() === column.toLowerCase() &&
      !part.descending &&
      (part.prefix === null || part.prefix >= enough)
    );
  };
  return visible === 1 && type === 'BTREE' && columns.every(serves);
}

function* accessesOf({ orders, give_back }: ShopFile): Generator<Access> {
  const { table, status, type, created, deadline } = orders;
  yield { path: 'orders.id', table, columns: [orders.id], unique: true };
  yield {
    path: deadline === undefined ? 'orders.created' : 'orders.deadline',
    table,
    columns: [status.column, type, deadline ?? created],
    name: DUE_INDEX,
  };
  for (const [kind, rule] of Object.entries(give_back))
    for (const access of ofRule(rule, table))
      yield { ...access, path: `give_back.${kind}.${access.path}` };
}

function* ofRule(
  { target: { table, id }, lines, held, named, reads = {}, reach = [], ledger }: Rule,
  orders: string,
): Generator<Access> {
  yield { path: 'target.id', table, columns: [id], unique: true };
  if (lines) yield { path: 'lines.order', table: lines.table, columns: [lines.order] };
  if (held) yield { path: 'held.by', table, columns: [held.by] };
  if (named) {
    const path = 'named.by';
    yield { path, table, columns: Object.keys(named.by) };
    // Other orders that name the same row are looked for by the columns that name it.
    const naming = Object.values(named.by).map((value) => soleColumn(value, 'o'));
    yield { path, table: orders, columns: naming };
  }
  for (const [position, { lines: way, by }] of reach.entries()) {
    const path = `reach.${position}`;
    if (way) yield { path: `${path}.lines`, table: way.table, columns: [way.order] };
    if (by) yield { path: `${path}.by`, table, columns: Object.keys(by) };
  }
  for (const [read, { index, or }] of Object.entries(reads))
    if (index) yield { path: `reads.${read}`, table: read, columns: index, or };
  if (ledger) {
    const { index, or } = reads[ledger.table] ?? {};
    const telling = tellingColumns(ledger.write);
    const first = telling.slice(0, 1);
    yield {
      path: 'ledger',
      table: ledger.table,
      columns: index ?? first,
      or: or ?? telling.slice(1).map((column) => [column, ...first]),
    };
  }
}

/** The columns of a ledger that tell a refund's row, the most telling first: one coupon may have the rows of many orders. */
function tellingColumns(write: NonNullable<Rule['ledger']>['write']): string[] {
  return ['order_id', 'target_id', 'account_id', 'user_id'].flatMap((told) =>
    Object.entries(write)
      .filter(([, value]) => soleColumn(bare(String(value)), 'refund') === told)
      .map(([column]) => column),
  );
}

/** What an id in a text is of: CONCAT('order ', refund.order_id). */
const bare = (expression: string) =>
  /^\s*CONCAT\s*\((?:\s*'[^']*'\s*,)?([^,()]*)\)\s*$/i.exec(expression)?.[1] ?? expression;

/** A longer text column is indexed by its beginning, so that the key fits every row format. */
const LONGEST_INDEXED_TEXT = 64;

/** Indexes that the engine needs and the shop's tables don't have; a missing key is the shop's to make. */
export function missingIndexes(needed: readonly NeededIndex[]): NeededIndex[] {
  const byName = new Map(needed.map((index) => [`${index.table}.${index.name}`, index]));
  return [...byName.values()].filter(({ isThere, unique }) => !isThere && !unique);
}

/** The steps that make what is missing, also what was there once and is lost. Built online, one at a time. */
export function planIndexes(
  needed: readonly NeededIndex[],
  tables: ReadonlyMap<string, Table>,
): Step[] {
  return missingIndexes(needed).map(({ table, columns, name }) => {
    const found = tables.get(table);
    // Ours, and of no use: the shop has changed it, or the shop file asks for other columns now.
    const isTaken = found?.indexes.some((index) => index.name === name) === true;
    const parts = columns.map((column) => {
      const characters = found?.columns.get(column.toLowerCase())?.characters ?? 0;
      const isCut = name !== DUE_INDEX && characters > LONGEST_INDEXED_TEXT;
      return `${quoteName(column)}${isCut ? `(${LONGEST_INDEXED_TEXT})` : ''}`;
    });
    const drop = isTaken ? `DROP INDEX ${quoteName(name)},\n    ` : '';
    return alter(table, name, '', `${drop}ADD INDEX ${quoteName(name)} (${parts.join(', ')})`);
  });
}

/** The steps that take back what up made, by what is there. */
export const planDropIndexes = (own: readonly { table: string; name: string }[]): Step[] =>
  own.map(({ table, name }) => alter(table, name, ': drop', `DROP INDEX ${quoteName(name)}`));

const alter = (table: string, name: string, what: string, change: string): Step => ({
  title: `index ${name} on ${table}${what}`,
  builds: table,
  statements: [`ALTER TABLE ${quoteName(table)}\n    ${change}, ALGORITHM = INPLACE, LOCK = NONE`],
});

/** Says which index of the shop makes ours needless. */
export function sayServing(needed: readonly NeededIndex[]): string[] {
  const others = needed.filter(
    ({ isThere, unique, name }) => isThere && !unique && !name.startsWith('order_timeout_'),
  );
  const lines = others.map(
    ({ table, name, columns }) =>
      `${table} needs no other index on (${columns.join(', ')}): it has ${name}`,
  );
  return [...new Set(lines)];
}
