import type { Connection } from 'mysql2/promise';
import { select } from '../migrate/connection';
import { errnoOf } from '../migrate/errors';
import { leadsWith } from '../migrate/indexes';
import { quoteName } from '../migrate/quote';
import type { Source } from '../migrate/source';
import type { DatabaseState } from '../migrate/state';
import { splitStatements } from '../migrate/split';

/** What a sweep would move now. */
export interface FirstSweep {
  readonly orders: number;
  /** In minor units; null: not known within the time that the question may take. */
  readonly couponAmount: number | null;
  readonly points: number | null;
}

const SECONDS = 10;
const TIMED_OUT = 3024;

/** What our tables hold at first, where that is more than nothing. */
const INITIAL_ROWS: Readonly<Record<string, string>> = {
  order_timeout_setting: 'SELECT 30 AS default_timeout_minutes',
  order_timeout_policy: 'SELECT 3 AS source_type, 0 AS enabled, NULL AS timeout_minutes',
};

/**
 * Without an index to reach its rows by, a table would be read once for each order. So where the shop lacks
 * one, the rows that matter are copied once, and the server puts a key on the copy.
 */
const COPIES = [
  {
    table: 'order_coupons',
    key: ['order_id'],
    columns: 'order_id, user_coupon_id, applied_amount',
    rows: 'order_id IN (SELECT id FROM orders WHERE status = 1)',
  },
  {
    table: 'user_coupon_ledger',
    key: ['order_id'],
    columns: 'id, order_id, user_coupon_id, change_amount, action',
    rows: 'order_id IN (SELECT id FROM orders WHERE status = 1)',
  },
  {
    table: 'user_points_ledger',
    key: ['user_id'],
    columns: 'id, user_id, action, points, ref_table, ref_id',
    rows: 'user_id IN (SELECT user_id FROM orders WHERE status = 1)',
  },
] as const;

/** Adds up what the engine's own views say of the orders that are due now, without needing them deployed. */
export async function estimateFirstSweep(
  db: Connection,
  source: Source,
  state: DatabaseState,
  wishedClock: string | undefined,
): Promise<FirstSweep> {
  const clock = wishedClock ?? state.setting?.clock ?? '+00:00';
  const views = withViews(source, state);
  // In the shop's clock a DATETIME and a TIMESTAMP column compare alike.
  await db.query('SET SESSION time_zone = ?', [clock]);
  try {
    const ask = async (sum: string): Promise<number | null> => {
      try {
        const [row] = await select<{ total: string | number | null }>(db, `${views}\n${sum}`);
        return Number(row?.total ?? 0);
      } catch (error) {
        if (errnoOf(error) !== TIMED_OUT) throw error;
        return null;
      }
    };
    return {
      orders: (await ask(COUNT_ORDERS)) ?? Number.NaN,
      couponAmount: await ask(SUM_COUPONS),
      points: await ask(SUM_POINTS),
    };
  } finally {
    await db.query("SET SESSION time_zone = '+00:00'");
  }
}

const LIMIT = `/*+ MAX_EXECUTION_TIME(${SECONDS * 1000}) */`;
const COUNT_ORDERS = `SELECT ${LIMIT} COUNT(*) AS total FROM due_order`;
const sumOf = (view: string) =>
  `SELECT ${LIMIT} SUM(amount.amount) AS total
     FROM due_order
     JOIN ${view} AS amount ON amount.order_id = due_order.order_id
    WHERE NOT amount.is_second_take`;
const SUM_COUPONS = sumOf('order_timeout_coupon_refundable');
const SUM_POINTS = sumOf('order_timeout_points_refundable');

const DUE_ORDERS = `
    SELECT candidate.order_id
      FROM order_timeout_candidate AS candidate
      JOIN order_timeout_setting AS setting
      LEFT JOIN order_timeout_policy AS policy ON policy.source_type = candidate.source_type
     WHERE COALESCE(policy.enabled, 1)
       AND candidate.created_at < NOW(3) - INTERVAL COALESCE(policy.timeout_minutes, setting.default_timeout_minutes) MINUTE
       AND (candidate.held_until IS NULL OR candidate.held_until <= NOW(3))
       AND (NOT candidate.has_failed OR candidate.retry_at <= NOW(3))`;

/**
 * This version's views as common table expressions, and before them our tables as they are at first
 * where they are not there yet.
 */
function withViews(source: Source, { tables, schema }: DatabaseState): string {
  const absent = ownTableColumns(source).filter(({ table }) => !tables.has(table));
  const standIns = absent.map(
    ({ table, columns }) =>
      [
        table,
        INITIAL_ROWS[table] ??
          `SELECT ${columns.map((column) => `NULL AS ${column}`).join(', ')} WHERE FALSE`,
      ] as const,
  );
  const views = source.objects
    .filter(({ kind }) => kind === 'view')
    .map(({ name, text }) => [name, withoutHints(selectOf(text), absent)] as const);
  const copies = COPIES.filter(
    ({ table, key }) => tables.get(table)?.indexes.some((index) => leadsWith(index, key)) !== true,
  ).map(
    ({ table, columns, rows }) =>
      // LIMIT keeps it from being merged into the query, where it would have no key.
      [
        table,
        `SELECT ${columns} FROM ${quoteName(schema)}.${table} WHERE ${rows} LIMIT 18446744073709551615`,
      ] as const,
  );
  const expressions = [...copies, ...standIns, ...views, ['due_order', DUE_ORDERS] as const];
  return `WITH ${expressions.map(([name, sql]) => `${name} AS (${sql})`).join(',\n')}`;
}

function selectOf(view: string): string {
  const [, select = ''] =
    /\bVIEW \w+ AS\n([\s\S]+)$/.exec(splitStatements(view).at(-1)?.sql ?? '') ?? [];
  return select;
}

interface TableColumns {
  readonly table: string;
  readonly columns: readonly string[];
}

function ownTableColumns({ migrations }: Source): TableColumns[] {
  return migrations.flatMap(({ up }) =>
    [...up.matchAll(/^CREATE TABLE IF NOT EXISTS (\w+) \(\n([\s\S]+?)^\)/gm)].map(
      ([, table = '', body = '']) => ({
        table,
        columns: [...body.matchAll(/^ {4}([a-z]\w*) /gm)].map(([, column = '']) => column),
      }),
    ),
  );
}

/** A stand-in has no indexes to name in a hint. */
function withoutHints(select: string, absent: readonly TableColumns[]): string {
  return absent.reduce(
    (text, { table }) =>
      text.replace(
        new RegExp(`\\b(${table}(?: AS \\w+)?) (?:FORCE|USE|IGNORE) INDEX \\([^)]*\\)`, 'g'),
        '$1',
      ),
    select,
  );
}
