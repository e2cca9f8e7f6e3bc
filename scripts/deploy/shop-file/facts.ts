import type { Connection } from 'mysql2/promise';
import { select } from '../connection';
import { enumerate, quoteName } from '../text';
import { type Expression, fillDueView, reword, usesOf } from './expressions';
import { inView, orderColumns } from './orders-context';
import { errnoOf, type Finding, mistake, remark } from '../errors';
import { type Column, readTables, type Table } from '../tables';
import type { Shop } from './read';
import type { Code, Rule, ShopFile } from './schema';

/** The shop's database, as far as a shop file is checked against it. Read once, decided on by pure functions. */
export interface ShopFacts {
  /** By name; only those that the file names. */
  readonly tables: ReadonlyMap<string, Table>;
  /** What the server says of the file's expressions, by their path. */
  readonly expressions: ReadonlyMap<string, Tried>;
  /** The newest orders by status, most frequent first; none: they can't be read. */
  readonly statuses: readonly StatusCount[];
}

interface Tried {
  readonly error?: string;
  /** Of the result. */
  readonly isInteger?: boolean;
}

/** Of the newest orders. */
export interface StatusCount {
  readonly code: string | null;
  readonly orders: number;
  /** Of those, with a paid time. */
  readonly paid: number;
  /** In the shop's clock. */
  readonly newest: string | null;
}

/** Names of a column that says when an order was paid. */
export const PAID_COLUMNS = ['paid_at', 'pay_time', 'payment_time', 'paid_time', 'pay_at'];

/** Names of a column that says of a row that it is dead. */
export const DEAD_COLUMNS = ['deleted_at', 'deleted', 'is_del', 'is_deleted', 'delete_status'];

export const isInteger = ({ type }: Column) => /^(tiny|small|medium|big)?int$/.test(type);
/** A longer text would be indexed by its beginning alone, and the oldest orders not be found by it. */
export const isCode = (column: Column) =>
  isInteger(column) ||
  (['char', 'varchar', 'enum'].includes(column.type) && (column.characters ?? 0) <= 255);
export const isTime = ({ type }: Column) => ['datetime', 'timestamp'].includes(type);

/** The condition under which a row is not dead, by such a column; undefined: by a text it can't be told. */
export function aliveBy(alias: string, column: Column): string | undefined {
  const name = `${alias}.${column.name}`;
  if (isTime(column) || column.type === 'date')
    return column.nullable ? `${name} IS NULL` : `YEAR(${name}) < 1000`;
  if (!isInteger(column) && column.type !== 'bit') return undefined;
  // Without a default a new row has NULL.
  const isNullAtFirst = column.nullable && !column.hasDefault;
  return isNullAtFirst ? `COALESCE(${name}, 0) = 0` : `${name} = 0`;
}

/** Reads what a shop file is checked against. Changes nothing, and runs none of its expressions on a row. */
export async function readShopFacts(
  db: Connection,
  { file, due }: Pick<Shop, 'file' | 'due'>,
): Promise<ShopFacts> {
  const uses = usesOf(file);
  const tables = await readTables(db, [...uses.tables.keys()]);
  const expressions = new Map<string, Tried>();
  for (const expression of uses.expressions) {
    const { names, equals } = expression;
    const named = Object.values(names).filter((name) => name !== undefined);
    const isThere =
      equals === undefined ||
      tables.get(equals.table)?.columns.has(equals.column.toLowerCase()) === true;
    if (isThere && named.every((name) => tables.has(name)))
      expressions.set(expression.path, await tryOut(db, expression, needAlias(file, tables)));
  }
  for (const [kind, view] of due)
    expressions.set(`give_back.${kind}.due`, await tryView(db, view, file.give_back[kind]));
  return { tables, expressions, statuses: await readStatuses(db, file, tables, expressions) };
}

/** What stands for the names of an expression that are no tables of the shop. */
const STAND_INS: Readonly<Record<string, string>> = {
  given: '(SELECT 0 AS amount)',
  refund:
    "(SELECT 0 AS order_id, 0 AS user_id, 0 AS target_id, 0 AS account_id, 0 AS amount, 0 AS balance, '' AS cause)",
  due: '(SELECT 0 AS order_id, 0 AS user_id, 0 AS target_id, 0 AS taken, 0 AS returned)',
};

const WORDS: Readonly<Record<string, string>> = {
  now: 'SYSDATE(3)',
  cause: "'timeout'",
  action: "'timeout_refund'",
  remark: "''",
  reference: "''",
};

/** TINY, SHORT, LONG, LONGLONG, INT24 of the protocol. */
const INTEGER_FIELDS = [1, 2, 3, 8, 9];

/** The columns that are not by their names in the view that is `o` in a routine, as those are that it is there to set. */
function needAlias(file: ShopFile, tables: ReadonlyMap<string, Table>): string[] {
  const { nameOf } = orderColumns(file);
  const { table, set, paid_set } = file.orders;
  const written = Object.keys({ ...set, ...paid_set }).map((name) => name.toLowerCase());
  const columns = [...(tables.get(table)?.columns.keys() ?? [])];
  return columns.filter((name) => !written.includes(name) || nameOf(name) !== name);
}

async function tryOut(
  db: Connection,
  { sql, names, equals, isInRoutine }: Expression,
  aliased: readonly string[],
): Promise<Tried> {
  const columns = aliased.map(quoteName).join(', ') || '1';
  const again =
    isInRoutine && names.o !== undefined
      ? [`(SELECT ${columns} FROM ${quoteName(names.o)}) AS again`]
      : [];
  const from = Object.entries(equals ? { ...names, target: equals.table } : names).map(
    ([alias, table]) => `${table === undefined ? STAND_INS[alias] : quoteName(table)} AS ${alias}`,
  );
  const value = reword(sql, ({ word = '' }) => WORDS[word]);
  try {
    const [, [field]] = await db.query(
      `SELECT (${value})${equals ? ` = target.${quoteName(equals.column)}` : ''} FROM ${[...from, ...again].join(' JOIN ')} WHERE FALSE`,
    );
    return { isInteger: INTEGER_FIELDS.includes(field?.columnType ?? -1) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** What is the engine's own may not be there yet: of such a view nothing is known. */
async function tryView(
  db: Connection,
  view: string,
  { tells = [], reads = {} }: Pick<Rule, 'tells' | 'reads'> = {},
): Promise<Tried> {
  const columns = ['order_id, user_id, target_id, account_id, taken, returned, source', ...tells];
  // The index may be yet to be made.
  const rows = fillDueView(view, 'TRUE', (read) => (reads[read]?.index ? '' : undefined));
  try {
    const [, fields] = await db.query(
      `SELECT ${columns.join(', ')} FROM (\n${rows}\n) AS due WHERE FALSE`,
    );
    return {
      isInteger: fields.every(
        ({ name, decimals }) => !/^(taken|returned)$/.test(name) || !decimals,
      ),
    };
  } catch (error) {
    const text = (error as Error).message;
    const isOurs = errnoOf(error) === 1146 /* no such table */ && /\.order_timeout_/.test(text);
    return isOurs ? {} : { error: text };
  }
}

async function readStatuses(
  db: Connection,
  { orders }: ShopFile,
  tables: ShopFacts['tables'],
  expressions: ShopFacts['expressions'],
): Promise<StatusCount[]> {
  const { id, created, status, only, paid_at } = orders;
  const columns = tables.get(orders.table)?.columns;
  const isThere = (name: string) => columns?.has(name.toLowerCase()) === true;
  const code = columns?.get(status.column.toLowerCase());
  const paid = [...(paid_at === undefined ? PAID_COLUMNS : [paid_at])].find(isThere);
  const isReadable =
    [id, created].every(isThere) && expressions.get('orders.only')?.error === undefined;
  return isReadable && code !== undefined
    ? countStatuses(
        db,
        { table: orders.table, id, created, status: code, paid },
        inView(only) ?? undefined,
      )
    : [];
}

/** The orders' table and columns. */
interface StatusPlace {
  readonly table: string;
  readonly id: string;
  readonly status: Column;
  readonly created: string;
  readonly paid?: string | undefined;
}

/** Of the newest 10,000 orders, those for which `only` is true. */
export async function countStatuses(
  db: Connection,
  { table, id, status, created, paid }: StatusPlace,
  only = 'TRUE',
): Promise<StatusCount[]> {
  // A zero is no paid time.
  const paidColumn =
    paid === undefined ? 'NULL' : `IF(YEAR(o.${quoteName(paid)}) >= 1000, 1, NULL)`;
  return select<StatusCount>(
    db,
    `SELECT ${isInteger(status) ? 'CONCAT(newest.code + 0)' : 'CONVERT(newest.code USING utf8mb4)'} AS code, COUNT(*) AS orders, COUNT(newest.paid) AS paid,
            CONCAT(MAX(newest.created)) AS newest
       FROM (SELECT o.${quoteName(status.name)} AS code, o.${quoteName(created)} AS created, ${paidColumn} AS paid
               FROM ${quoteName(table)} AS o
              WHERE (${only})
              ORDER BY o.${quoteName(id)} DESC
              LIMIT 10000) AS newest
      GROUP BY newest.code
      ORDER BY orders DESC, code`,
  );
}

const COLUMN = 'orders.status.column';

/** Whether the column can have the file's codes, and what those of the newest orders say about them. */
export function* checkStatuses(file: ShopFile, { statuses, tables }: ShopFacts) {
  const { table, status } = file.orders;
  const column = tables.get(table)?.columns.get(status.column.toLowerCase());
  if (column !== undefined && isCode(column)) yield* checkCodes(file, column);
  if (column?.generated) yield* checkGenerated(file);
  yield* checkNewest(status, column, statuses);
}

const codesOf = ({ pending, paid, cancelled, other = [] }: ShopFile['orders']['status']) => [
  ...new Set([pending, ...paid, ...Object.values(cancelled), ...other]),
];

function* checkCodes({ orders: { table, status } }: ShopFile, column: Column): Generator<Finding> {
  const isText = !isInteger(column);
  const unfit = codesOf(status).filter(
    (code) => (typeof code === 'string') !== isText || !fits(column, String(code)),
  );
  if (unfit.length === 0) return;
  const isQuoted = unfit.some((code) => typeof code === 'string');
  yield mistake(
    COLUMN,
    `${table}.${status.column} is ${column.fullType} and can't be ${enumerate(unfit.map(String))}`,
    isText
      ? 'Write the texts that stand in it, a number among them in quotes'
      : isQuoted
        ? 'Write the integers that stand in it, without quotes, or name another column'
        : 'Mend the codes, or name another column',
  );
}

/** A generated status is not written: it has to follow from what is. */
function* checkGenerated({ orders }: ShopFile): Generator<Finding> {
  for (const [key, meaning] of [
    ['set', 'cancelled'],
    ['paid_set', 'paid'],
  ] as const)
    if (Object.keys(orders[key] ?? {}).length === 0)
      yield mistake(
        `orders.${key}`,
        `${orders.table}.${orders.status.column} is a generated column, and nothing makes an order ${meaning}`,
        `Set the columns that it is made of in ${key}`,
      );
}

/** A code as its column compares it: of texts that the server takes for one it tells any. */
function keyIn(column: Column | undefined, code: Code): string {
  const { collation = null } = column ?? {};
  const text = collation?.includes('_0900_') ? String(code) : String(code).replace(/ +$/, '');
  return collation?.endsWith('_ci') ? text.toLowerCase() : text;
}

function* checkNewest(
  status: ShopFile['orders']['status'],
  column: Column | undefined,
  statuses: ShopFacts['statuses'],
): Generator<Finding> {
  const isOneOf = (codes: readonly Code[], { code }: StatusCount) =>
    code !== null && codes.some((one) => keyIn(column, one) === keyIn(column, code));
  const strangers = statuses.filter((count) => !isOneOf(codesOf(status), count));
  const [all, strange] = [statuses, strangers].map((counts) =>
    counts.reduce((sum, { orders }) => sum + orders, 0),
  ) as [number, number];
  const pending = statuses.find((count) => isOneOf([status.pending], count));
  if (strange > 0)
    yield (strange * 100 > all ? mistake : remark)(
      COLUMN,
      `of the newest ${all} orders ${strange} have a status that the file doesn't name: ${describe(strangers)}`,
      'Write each into paid, cancelled or other' +
        (strangers.some(({ code }) => code === null) ? '; give orders without one theirs' : ''),
    );
  if (pending !== undefined && pending.paid * 2 > pending.orders)
    yield mistake(
      'orders.status.pending',
      `of ${pending.orders} pending orders ${pending.paid} have a paid time`,
      `Unpaid orders have another code than ${status.pending}: name it`,
    );
  if (all > 0)
    yield remark(
      COLUMN,
      `the newest ${all} orders: ${describe(statuses)}`,
      'See that each code is where it belongs',
    );
}

const describe = (statuses: readonly StatusCount[]) =>
  statuses
    .map(({ code, orders, paid, newest }) => {
      const withPaid = paid > 0 ? `${paid} with a paid time, ` : '';
      return `${code ?? 'NULL'}: ${orders} (${withPaid}newest ${newest ?? 'without a time'})`;
    })
    .join('; ');

const BITS: Readonly<Record<string, number>> = {
  tinyint: 8,
  smallint: 16,
  mediumint: 24,
  int: 32,
  bigint: 54,
};

/** Whether a column can have this text, or the number that it says. */
export function fits(column: Column, text: string): boolean {
  const { type, fullType, characters, charset } = column;
  if (type === 'enum') return fullType.includes(`'${text.replaceAll("'", "''")}'`);
  const isWritable =
    /^(utf|ucs|gb|big5|[a-z]+jis|euc|cp932)/.test(charset ?? 'utf8mb4') ||
    (charset === 'latin1' ? /^[ -~\xa0-\xff]*$/ : /^[ -~]*$/).test(text);
  return canHold(column, text) && isWritable && (characters === null || text.length <= characters);
}

/** Whether a column can have this number, when it is one of integers. */
function canHold({ type, fullType }: Column, code: string): boolean {
  const bits = BITS[type];
  if (bits === undefined) return true;
  const least = /unsigned/i.test(fullType) ? 0 : -(2 ** (bits - 1));
  return Number(code) >= least && Number(code) < least + 2 ** bits;
}
