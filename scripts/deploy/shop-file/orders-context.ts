import { quoteName, quoteString } from '../text';
import { referencesIn, reword, wordsIn } from './expressions';
import { CAUSES, type Code, type Rule, type ShopFile, type Value, type Values } from './schema';
import type { Column, NeededIndex, Table } from '../tables';

/** What the templates are filled from: the shop file, with the tables and indexes that it names. */
export interface Ground {
  readonly file: ShopFile;
  readonly tables: ReadonlyMap<string, Table>;
  readonly indexes: readonly NeededIndex[];
}

/** The engine's names of the order's columns. */
const OWN_NAMES = {
  id: 'order_id',
  user: 'user_id',
  type: 'source_type',
  created: 'created_at',
  deadline: 'deadline',
  paid_at: 'paid_at',
} as const;

/** What a column of the orders is called in the engine's view of them. */
export function orderColumns({ orders }: ShopFile) {
  const names = new Map<string, string>([[orders.status.column.toLowerCase(), 'status']]);
  for (const [key, name] of Object.entries(OWN_NAMES)) {
    const column = orders[key as keyof typeof OWN_NAMES];
    if (column !== undefined) names.set(column.toLowerCase(), name);
  }
  const taken = new Set<string>([...Object.values(OWN_NAMES), 'status', 'is_alive']);
  return {
    isOurs: (column: string) => names.has(column.toLowerCase()),
    nameOf: (column: string) =>
      names.get(column.toLowerCase()) ??
      (taken.has(column.toLowerCase()) ? `shop_${column}` : column),
  };
}

/** A rule without a reach of its own is reached as its amount is. */
export function waysOf({ lines, order, held, named, reach = [] }: Rule, { orders }: ShopFile) {
  const ways: NonNullable<Rule['reach']> = [
    ...(lines ? [{ lines }] : []),
    ...(order ? [{ id: order.target, if: `(${order.amount}) > 0` }] : []),
    ...(held ? [{ by: { [held.by]: `o.${quoteName(orders.id)}` }, if: held.if }] : []),
    ...(named ? [{ by: named.by, if: named.if }] : []),
    ...reach,
  ];
  return ways;
}

export function ordersOf({ file, tables, indexes }: Ground) {
  const { orders } = file;
  const { status, set = {}, paid_set = {} } = orders;
  const { isOurs, nameOf } = orderColumns(file);
  const changes = { ...set, ...paid_set };
  const rules = Object.values(file.give_back);
  // What a routine says of an order beside what it sets.
  const conditions = rules
    .flatMap((rule) => [
      rule.free ?? [],
      ...(rule.shared ? [] : waysOf(rule, file)).map(({ id, if: when }) =>
        id === undefined ? [] : [id, when ?? []].flat(),
      ),
    ])
    .flat();
  const read = [...Object.values(changes), ...conditions]
    .flatMap((value) => referencesIn(String(value)))
    .filter(({ alias }) => alias === 'o');
  const columns = [...new Set([...Object.keys(changes), ...read.map(({ column }) => column)])];
  const table = tables.get(orders.table);
  const isGenerated = table?.columns.get(status.column.toLowerCase())?.generated === 1;
  const assign = (code: string, values: Values) => {
    const others = assignments(table, values, nameOf);
    return withLast([...(isGenerated ? [] : [{ column: '`status`', value: code }]), ...others]);
  };
  const codes = new Set(Object.values(status.cancelled).map(literal));
  const [paid = ''] = status.paid.map(literal);
  const cancelledBy =
    codes.size === 1
      ? [...codes].join('')
      : `CASE p_cause ${CAUSES.map((cause) => `WHEN '${cause}' THEN ${literal(status.cancelled[cause])}`).join(' ')} END`;
  const nameOfIndex = (wanted: string) =>
    quoteName(indexes.find(({ path }) => path === wanted)?.name ?? '');
  const dueColumns = [status.column, orders.type, orders.deadline ?? orders.created];
  return {
    table: quoteName(orders.table),
    table_text: orders.table,
    id: quoteName(orders.id),
    /** The index by which an order is found: not every id is the primary key. */
    key: nameOfIndex('orders.id'),
    /** The one on due orders: with old statistics the sweep would read all orders, every minute. */
    index: nameOfIndex(orders.deadline === undefined ? 'orders.created' : 'orders.deadline'),
    user: quoteName(orders.user),
    /** Whose the order is; 0: nobody's, as of a guest. */
    owner: table?.columns.get(orders.user.toLowerCase())?.nullable
      ? `CAST(COALESCE(o.${quoteName(orders.user)}, 0) AS SIGNED)`
      : `o.${quoteName(orders.user)}`,
    type: orders.type === undefined ? null : quoteName(orders.type),
    created: quoteName(orders.created),
    deadline: orders.deadline === undefined ? null : quoteName(orders.deadline),
    paid_at: orders.paid_at === undefined ? null : quoteName(orders.paid_at),
    only: inView(orders.only),
    /** The column from which the timeout counts, and its name in the engine's view. */
    due_from: quoteName(orders.deadline ?? orders.created),
    /**
     * What is older is no usable time. In a WHERE the server takes a TIMESTAMP for later than all that it can't be, also
     * one that is zero; the days are there for every time zone.
     */
    least:
      table?.columns.get((orders.deadline ?? orders.created).toLowerCase())?.type === 'timestamp'
        ? "'1970-01-03'"
        : "'1000-01-01'",
    due_from_term: orders.deadline === undefined ? 'o.created_at' : 'o.deadline',
    /** For a comment: what the index on due orders leads with. */
    index_text: dueColumns.filter((column) => column !== undefined).join(', '),
    status: quoteName(status.column),
    /** It follows from what is set, and is not set itself. */
    is_generated: isGenerated,
    pending: literal(status.pending),
    /** For a sentence. */
    pending_text: String(status.pending),
    paid: status.paid.map(literal).join(', '),
    cancelled: [...codes].join(', '),
    /** Further columns of the engine's view of the orders, for what is set or read. */
    set_columns: columns
      .filter((column) => !isOurs(column))
      .map((column) => {
        const name = nameOf(column);
        return name === column ? quoteName(column) : `${quoteName(column)} AS ${quoteName(name)}`;
      }),
    set: assign(cancelledBy, set),
    paid_set: assign(paid, paid_set),
  };
}

/** A code as it stands in SQL. */
const literal = (code: Code) => (typeof code === 'string' ? quoteString(code) : String(code));

/** Mustache knows no last one. */
export const withLast = <Item extends object>(items: readonly Item[]) =>
  items.map((item, position) => ({ ...item, last: position === items.length - 1 }));

/** An expression as it stands in a view: :now is the moment at which the view is read. */
export function inView(expression: string): string;
export function inView(expression: string | undefined): string | null;
export function inView(expression: string | undefined): string | null {
  if (expression === undefined) return null;
  return reword(expression, ({ word }) => (word === 'now' ? 'SYSDATE(3)' : undefined));
}

export interface Assignment {
  readonly column: string;
  readonly value: string;
  readonly last: boolean;
}

/** `column = value` as in UPDATE or INSERT: words are the routines' parameters. `nameOf`: what a column is called there. */
export const assignments = (
  table: Table | undefined,
  values: Values,
  nameOf?: (column: string) => string,
): readonly Assignment[] =>
  withLast(
    Object.entries(values).map(([column, value]) => ({
      column: quoteName(nameOf?.(column) ?? column),
      value: asWritten(value, table?.columns.get(column.toLowerCase()), nameOf),
    })),
  );

const WORDS: Readonly<Record<string, string>> = {
  now: 'p_now',
  cause: 'p_cause',
  action:
    "CASE refund.cause WHEN 'timeout' THEN 'timeout_refund' WHEN 'repair' THEN 'repair_refund' ELSE 'cancel_refund' END",
  remark: 'p_remark',
  reference: 'p_reference',
};

export function asWritten(
  value: Value,
  column?: Column,
  nameOf?: (column: string) => string,
): string {
  // NULL, TRUE, 1.
  const text = typeof value === 'string' ? value : String(value).toUpperCase();
  const sql = reword(text, ({ word = '', alias, column }) =>
    alias && column ? nameOf && `${alias}.${quoteName(nameOf(column))}` : WORDS[word],
  );
  const hasText = wordsIn(text).some((word) => word === 'remark' || word === 'reference');
  return hasText && column !== undefined ? cutTo(column, sql) : sql;
}

/** A caller's text may be longer than the column, and may have characters that the column can't have. */
function cutTo({ characters, charset, type }: Column, sql: string): string {
  if (characters === null) return sql;
  const bytes = type.endsWith('text') ? 4 : 1;
  const length = Math.floor(characters / bytes);
  const cut = length < 255 ? `LEFT(${sql}, ${length})` : sql;
  return charset === null || charset === 'utf8mb4' ? cut : `CONVERT(${cut} USING ${charset})`;
}
