import type { Connection } from 'mysql2/promise';
import { readFile } from 'node:fs/promises';
import { select } from '../connection';

import { countStatuses, PAID_COLUMNS, type StatusCount } from './facts';
import { knownShops, parseShopFile } from './read';
import { DEAD_COLUMNS } from './check';
import { type Column, readTables, type Table } from '../tables';
import { usesOf } from './expressions';

/**
 * A shop file for this database: that of a shop that is known by its tables, else one with what was found and what
 * a person has to fill in. Changes nothing.
 */
export async function guessShopFile(db: Connection): Promise<string> {
  const tables = await readTables(db);
  for (const path of await knownShops()) {
    const text = await readFile(path, 'utf8');
    const parsed = parseShopFile(text);
    if (!('mistakes' in parsed) && fits(usesOf(parsed.file), tables)) return text;
  }
  const found = findOrders(tables);
  if (found === undefined) return NOTHING_FOUND;
  const { table, id, status, created } = found.best;
  const paid = pick(table, PAID_NAMES, isTime);
  const statuses = await countStatuses(db, { table: table.name, id, status, created, paid });
  const comments = await select<{ comment: string }>(
    db,
    `SELECT column_comment AS comment FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?`,
    [table.name, status],
  );
  return write(found, statuses, comments[0]?.comment ?? '', [...tables.values()]);
}

const fits = (
  { tables: named, columns }: ReturnType<typeof usesOf>,
  tables: ReadonlyMap<string, Table>,
) =>
  [...named.keys()].every((name) => tables.has(name)) &&
  columns.every(({ table, column }) => tables.get(table)?.columns.has(column.toLowerCase()));

interface Orders {
  readonly table: Table;
  readonly id: string;
  readonly user: string;
  readonly status: string;
  readonly created: string;
}

const isInteger = ({ type }: Column) => /int$/.test(type);
const isTime = ({ type }: Column) => type === 'datetime' || type === 'timestamp';

const PAID_NAMES = new RegExp(`^(${PAID_COLUMNS.join('|')})$`, 'i');
const DEAD_NAMES = new RegExp(`^(${DEAD_COLUMNS.join('|')})$`, 'i');
const USER_NAMES = /^(user|member|customer|buyer|account)(_?id)?$|^uid$/i;

/** The first column of this name and type. */
function pick(table: Table, name: RegExp, is: (column: Column) => boolean): string | undefined {
  return [...table.columns.values()].find((column) => name.test(column.name) && is(column))?.name;
}

/** Tables that could be the orders', the likeliest first. */
function findOrders(
  tables: ReadonlyMap<string, Table>,
): { best: Orders; others: string[] } | undefined {
  const candidates = [...tables.values()].flatMap((table): Orders[] => {
    const key = table.indexes.find(({ unique, parts }) => unique && parts.length === 1)?.parts[0]
      ?.column;
    const id =
      key != null && isInteger(table.columns.get(key.toLowerCase()) as Column) ? key : undefined;
    const user = pick(table, USER_NAMES, isInteger);
    const status = pick(table, /^(order_)?(status|state)$/i, isInteger);
    const created = pick(
      table,
      /^(created?(_?(at|time|date|on))?|add_?time|gmt_create|order_time|ctime)$/i,
      isTime,
    );
    return id && user && status && created && /order|trade/i.test(table.name)
      ? [{ table, id, user, status, created }]
      : [];
  });
  const isPart = ({ table }: Orders) =>
    /item|goods|detail|line|coupon|log|history|return|refund|comment|address|pay|cart/i.test(
      table.name,
    );
  const [best, ...others] = candidates.sort(
    (one, other) =>
      Number(isPart(one)) - Number(isPart(other)) ||
      one.table.name.length - other.table.name.length,
  );
  return best && { best, others: others.map(({ table }) => table.name) };
}

const NOTHING_FOUND = `# No table here looks like orders: an integer key, a user, a status and a time of creation.
# docs/your-shop.md has an example to start from.
`;

function write(
  { best, others }: { best: Orders; others: string[] },
  statuses: readonly StatusCount[],
  meaning: string,
  tables: readonly Table[],
): string {
  const { table, id, user, status, created } = best;
  const paid = pick(table, PAID_NAMES, isTime);
  const dead = pick(table, DEAD_NAMES, () => true);
  const type = pick(table, /^(order_|source_)?type$/i, isInteger);
  const deadline = pick(table, /expire|deadline|time_?out/i, isTime);
  const codes = statuses.flatMap(({ code }) => code ?? []);
  const pending = statuses
    .filter((row) => row.paid === 0)
    .flatMap(({ code }) => code ?? [])
    .sort((one, other) => Number(one) - Number(other))[0];
  const paidCodes = statuses.filter((row) => row.paid > 0).flatMap(({ code }) => code ?? []);
  const rest = codes.filter((code) => code !== pending && !paidCodes.includes(code));
  return [
    '# A guess from the tables that are here. See that each line is right; docs/your-shop.md has every key.',
    ...(others.length > 0 ? [`# Could be the orders, too: ${others.join(', ')}`] : []),
    'orders:',
    `  table: ${table.name}`,
    `  id: ${id}`,
    `  user: ${user}`,
    ...(type === undefined
      ? []
      : [`  # type: ${type} # for timeouts of their own, see docs/settings.md`]),
    `  created: ${created}`,
    ...(deadline === undefined ? [] : [`  # deadline: ${deadline} # wins over the age`]),
    ...(paid === undefined ? [] : [`  paid_at: ${paid}`]),
    ...(dead === undefined ? [] : [`  only: ${aliveBy('o', table, dead)}`]),
    '  status:',
    `    column: ${status}${meaning === '' ? '' : ` # ${meaning.replace(/\s+/g, ' ')}`}`,
    `    # The newest orders: ${statuses.length === 0 ? 'there are none' : 'code, how many, the newest'}`,
    ...statuses.map(
      (row) =>
        `    #   ${row.code ?? 'NULL'}: ${row.orders}, ${row.newest ?? 'without a time'}` +
        (row.paid > 0 ? `, ${row.paid} with a ${paid ?? ''}` : ''),
    ),
    `    pending: ${pending ?? 'which code?'}`,
    `    paid: [${paidCodes.join(', ') || 'which codes?'}]`,
    `    cancelled: which code?${rest.length > 0 ? ` # left: ${rest.join(', ')}` : ''}`,
    '    # other: [] # codes that are none of these',
    '  # set: {cancelled_at: :now} # what a cancellation sets beside the status',
    'give_back: # what an order takes; tables that name one:',
    ...relatives(table, tables),
    ...EXAMPLES,
    '',
  ].join('\n');
}

function aliveBy(alias: string, table: Table, column: string): string {
  const { type, nullable } = table.columns.get(column.toLowerCase()) as Column;
  return `${alias}.${column} ${/int$/.test(type) || !nullable ? '= 0' : 'IS NULL'}`;
}

/** What an order could take: a person has to say it. */
const EXAMPLES = `  # stock:
  #   lines: {table: order_item, order: order_id, target: sku_id, amount: quantity}
  #   target: {table: sku, id: id}
  #   add: stock # or "subtract: locked_stock", where an order locks it
  #   shared: true # customers change these rows, too
  # coupon:
  #   held: {by: order_id, if: target.status = 1}
  #   target: {table: user_coupon, id: id}
  #   set: {status: 0, order_id: null}
  # points:
  #   order: {target: o.user_id, amount: o.points}
  #   target: {table: user_account, id: id}
  #   add: points`.split('\n');

/** Tables that name an order, with their columns of numbers. */
function relatives(orders: Table, tables: readonly Table[]): string[] {
  const name = new RegExp(`^(order_?id|${orders.name.replace(/s$/, '')}_?id)$`, 'i');
  return tables
    .filter((table) => table !== orders && pick(table, name, isInteger) !== undefined)
    .map((table) => {
      const numbers = [...table.columns.values()].filter(isInteger).map((column) => column.name);
      return `  #   ${table.name}: ${numbers.join(', ')}`;
    });
}
