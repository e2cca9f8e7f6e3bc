import type { Connection } from 'mysql2/promise';
import { select } from './connection';
import { errnoOf } from './errors';
import type { ShopContext } from './shop-file/context';
import type { ShopFile } from './shop-file/schema';
import type { DatabaseState } from './state';

/** What a sweep would move now. Null: not known within the time that the question may take. */
export interface FirstSweep {
  readonly orders: number | null;
  /** By kind, in the order of the shop file: minor units, points, pieces. */
  readonly amounts: readonly { readonly kind: string; readonly amount: number | null }[];
}

/** Questions in SQL; a session in the shop's clock asks them. */
export interface FirstSweepQueries {
  /** Rows of tables that are not there yet, as common table expressions. */
  readonly standIns: Readonly<Record<string, string>>;
  /** `SELECT order_id` of the orders that are due. */
  readonly due: string;
  /** For each kind `SELECT … AS amount` from `due_order (order_id)` and the shop's tables. */
  readonly amounts: readonly { readonly kind: string; readonly sql: string }[];
}

/** What our tables hold at first. */
const FIRST_ROWS: Readonly<Record<string, string>> = {
  order_timeout_setting: 'SELECT 30 AS default_timeout_minutes',
  order_timeout_policy: 'SELECT 3 AS source_type, 0 AS enabled, NULL AS timeout_minutes',
};

/** Small questions to the shop's own tables: what a due view says of returns is left to the engine itself. */
export function firstSweepQueries(
  { orders, rules }: ShopContext,
  { give_back }: ShopFile,
  { ownTables }: DatabaseState,
): FirstSweepQueries {
  const type = orders.type === null ? 'NULL' : `o.${orders.type}`;
  const minutes = 'COALESCE(policy.timeout_minutes, setting.default_timeout_minutes)';
  const isDue =
    orders.deadline === null
      ? `o.${orders.created} < NOW(3) - INTERVAL ${minutes} MINUTE`
      : `o.${orders.deadline} < NOW(3)`;
  const conditions = [
    `o.${orders.status} = ${orders.pending}`,
    'COALESCE(policy.enabled, 1)',
    isDue,
    ...(orders.only === null ? [] : [`(${orders.only})`]),
    ...(orders.paid_at === null ? [] : [`o.${orders.paid_at} IS NULL`]),
  ];
  const due = `JOIN ${orders.table} AS o ON o.${orders.id} = due_order.order_id`;
  return {
    standIns: Object.fromEntries(
      Object.entries(FIRST_ROWS).filter(([table]) => !ownTables.has(table)),
    ),
    due: `SELECT o.${orders.id} AS order_id
       FROM ${orders.table} AS o
       JOIN order_timeout_setting AS setting
       LEFT JOIN order_timeout_policy AS policy ON policy.source_type = ${type}
      WHERE ${conditions.join(' AND ')}`,
    amounts: rules.flatMap(({ kind, line, order, by, table, ...rule }) => {
      const condition = rule.if === null ? '' : ` AND (${rule.if})`;
      const only = line?.only == null ? '' : ` AND (${line.only})`;
      const about = give_back[kind]?.about;
      const from =
        line !== null
          ? `line.${line.amount ?? '0'} AS amount FROM due_order ${due}
             JOIN ${line.table} AS line ON line.${line.order} = o.${orders.id}${only}`
          : order !== null
            ? `${order.amount} AS amount FROM due_order ${due}`
            : by !== null
              ? `1 AS amount FROM due_order ${due} WHERE EXISTS (SELECT 1 FROM ${table} AS target WHERE ${by}${condition})`
              : about === undefined
                ? undefined
                : `(${about}) AS amount FROM due_order ${due}`;
      return from === undefined ? [] : [{ kind, sql: `SELECT ${from}` }];
    }),
  };
}

const LIMIT_MS = 10_000;
const TIMED_OUT = 3024;

export async function countFirstSweep(
  db: Connection,
  queries: FirstSweepQueries,
  clock: string,
): Promise<FirstSweep> {
  const tables = Object.entries({ ...queries.standIns, due_order: queries.due });
  const withTables = `WITH ${tables.map(([name, sql]) => `${name} AS (${sql})`).join(',\n')}`;
  const ask = async (sql: string): Promise<number | null> => {
    try {
      const [row] = await select<{ amount: string | number | null }>(
        db,
        `${withTables}\nSELECT /*+ MAX_EXECUTION_TIME(${LIMIT_MS}) */ SUM(amount) AS amount FROM (${sql}) AS counted`,
      );
      return Number(row?.amount ?? 0);
    } catch (error) {
      if (errnoOf(error) === TIMED_OUT) return null;
      throw error;
    }
  };
  // In the shop's clock a DATETIME and a TIMESTAMP column compare alike.
  await db.query('SET SESSION time_zone = ?', [clock]);
  try {
    const amounts = [];
    for (const { kind, sql } of queries.amounts) amounts.push({ kind, amount: await ask(sql) });
    return { orders: await ask('SELECT COUNT(*) AS amount FROM due_order'), amounts };
  } finally {
    await db.query("SET SESSION time_zone = '+00:00'");
  }
}

/** One line for people. */
export function sayFirstSweep({ orders, amounts }: FirstSweep): string {
  const unknown = `could not be counted within ${LIMIT_MS / 1000} s`;
  if (orders === null) return `What the first sweep would cancel ${unknown}.`;
  const given = amounts.map(({ kind, amount }) =>
    amount === null ? `${kind}: ${unknown}` : `${kind} ${amount.toLocaleString('en')}`,
  );
  return `The first sweep would cancel ${orders.toLocaleString('en')} orders and give back: ${given.join(', ')}.`;
}
