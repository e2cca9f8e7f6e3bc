import type { Connection } from 'mysql2/promise';
import { readFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import {
  aliveBy,
  countStatuses,
  DEAD_COLUMNS,
  isCode,
  isInteger,
  isTime,
  PAID_COLUMNS,
  type StatusCount,
} from './facts';
import { knownShops, parseShopFile } from './read';
import { type Column, readTables, type Table } from '../tables';
import { usesOf } from './expressions';

/**
 * A shop file for this database: that of a shop that is known by its tables, else one with what was found and what
 * a person has to fill in. Undefined: no table looks like orders. Changes nothing.
 */
export async function guessShopFile(db: Connection): Promise<string | undefined> {
  const tables = await readTables(db);
  for (const path of await knownShops()) {
    const text = await readFile(path, 'utf8');
    const parsed = parseShopFile(text);
    if (!('mistakes' in parsed) && fits(usesOf(parsed.file), tables)) return text;
  }
  const [orders, ...others] = findOrders(tables);
  if (orders === undefined) return undefined;
  const { table, id, status, created } = orders;
  const paid = pick(table, PAID_NAMES, isTime);
  const statuses = await countStatuses(db, { table: table.name, id, status, created, paid });
  return write(orders, others, statuses, [...tables.values()]);
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
  readonly status: Column;
  readonly created: string;
}

const PAID_NAMES = new RegExp(`^(${PAID_COLUMNS.join('|')})$`, 'i');
const DEAD_NAMES = new RegExp(`^(${DEAD_COLUMNS.join('|')})$`, 'i');
const USER_NAMES = /^(user|member|customer|buyer|account)(_?id)?$|^uid$/i;

/** The first column of this name and type. */
const find = (table: Table, name: RegExp, is: (column: Column) => boolean) =>
  [...table.columns.values()].find((column) => name.test(column.name) && is(column));

const pick = (...which: Parameters<typeof find>) => find(...which)?.name;

const CREATED_NAMES = /^(created?(_?(at|time|date|on))?|add_?time|gmt_create|order_time|ctime)$/i;
/** Names of tables that belong to the orders' and are not it. */
const PART_NAMES =
  /item|goods|detail|line|coupon|log|history|return|refund|comment|address|pay|cart/i;

/** Tables that could be the orders', the likeliest first. */
function findOrders(tables: ReadonlyMap<string, Table>): Orders[] {
  const candidates = [...tables.values()].flatMap((table): Orders[] => {
    const { parts } = table.indexes.find(({ unique, parts }) => unique && parts.length === 1) ?? {};
    const key = table.columns.get(parts?.[0]?.column?.toLowerCase() ?? '');
    const user = pick(table, USER_NAMES, isInteger);
    const status = find(table, /^(order_)?(status|state)$/i, isCode);
    const created = pick(table, CREATED_NAMES, isTime);
    return key && isInteger(key) && user && status && created && /order|trade/i.test(table.name)
      ? [{ table, id: key.name, user, status, created }]
      : [];
  });
  const rank = ({ table: { name } }: Orders) => (PART_NAMES.test(name) ? 1000 : 0) + name.length;
  return candidates.sort((one, other) => rank(one) - rank(other));
}

function write(
  { table, id, user, status, created }: Orders,
  others: readonly Orders[],
  statuses: readonly StatusCount[],
  tables: readonly Table[],
): string {
  const paid = pick(table, PAID_NAMES, isTime);
  const dead = table.columns.get(pick(table, DEAD_NAMES, () => true)?.toLowerCase() ?? '');
  const alive = dead && aliveBy('o', dead);
  const type = pick(table, /^(order_|source_)?type$/i, isInteger);
  const deadline = pick(table, /expire|deadline|time_?out/i, isTime);
  const meaning = status.comment.replace(/\s+/g, ' ');
  const codesOf = (rows: readonly StatusCount[]) =>
    rows.flatMap(({ code }) => (code === null ? [] : inYaml(status, code)));
  // One paid order among many that are pending, or cancelled, says nothing of the code.
  const isPaid = (row: StatusCount) => row.paid * 2 > row.orders;
  // What waits for payment is younger than what no longer does.
  const [pending, ...rest] = codesOf(
    statuses
      .filter((row) => !isPaid(row))
      .sort((one, other) => (other.newest ?? '').localeCompare(one.newest ?? '')),
  );
  const paidCodes = codesOf(statuses.filter(isPaid));
  const lines = [
    '# A guess from the tables that are here. See that each line is right; docs/your-shop.md has every key.',
    others.length > 0 &&
      `# Could be the orders, too: ${others.map((one) => one.table.name).join(', ')}`,
    'orders:',
    `  table: ${table.name}`,
    `  id: ${id}`,
    `  user: ${user}`,
    type && `  # type: ${type} # for timeouts of their own, see docs/settings.md`,
    `  created: ${created}`,
    deadline && `  # deadline: ${deadline} # wins over the age`,
    paid && `  paid_at: ${paid}`,
    dead &&
      `  ${alive === undefined ? `# only: by o.${dead.name}, which are not dead?` : `only: ${alive}`}`,
    '  status:',
    `    column: ${status.name}${meaning ? ` # ${meaning}` : ''}`,
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
    EXAMPLES,
    '',
  ];
  return lines.filter((line) => typeof line === 'string').join('\n');
}

/** Of a column of texts a number stands in quotes. */
const inYaml = (status: Column, code: string) =>
  isInteger(status) ? code : stringify(code).trimEnd();

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
  #   add: points`;

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
