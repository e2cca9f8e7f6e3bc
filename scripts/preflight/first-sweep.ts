import type { Connection } from 'mysql2/promise';
import { select } from '../migrate/connection';
import { errnoOf } from '../migrate/errors';
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

/** What our tables hold at first, for the time when they are not there yet. */
const INITIAL: Readonly<Record<string, string>> = {
  order_timeout_setting: 'SELECT 30 AS default_timeout_minutes',
  order_timeout_policy: 'SELECT 3 AS source_type, 0 AS enabled, NULL AS timeout_minutes',
  order_timeout_hold: 'SELECT NULL AS order_id, NULL AS held_until WHERE FALSE',
  order_timeout_failure: 'SELECT NULL AS order_id, NULL AS retry_at WHERE FALSE',
  order_timeout_refund: 'SELECT NULL AS order_id, NULL AS kind, NULL AS target_id WHERE FALSE',
};

/** Adds up what the engine's own views say of the orders that are due now, without needing them deployed. */
export async function estimateFirstSweep(
  db: Connection,
  source: Source,
  state: DatabaseState,
  wishedClock: string | undefined,
): Promise<FirstSweep> {
  const clock = wishedClock ?? state.setting?.clock ?? '+00:00';
  const tables = withTables(source, state);
  // In the shop's clock a DATETIME and a TIMESTAMP column compare alike.
  await db.query('SET SESSION time_zone = ?', [clock]);
  try {
    const ask = async (sum: string): Promise<number | null> => {
      try {
        const [row] = await select<{ total: string | number | null }>(db, `${tables}\n${sum}`, []);
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
const sumOf = (view: string, kind: string, target: string) =>
  `SELECT ${LIMIT} SUM(amount.due) AS total
     FROM due_order
     JOIN ${view} AS amount ON amount.order_id = due_order.order_id
    WHERE amount.due > 0
      AND NOT EXISTS (SELECT 1 FROM order_timeout_refund AS earlier
                       WHERE earlier.order_id = amount.order_id
                         AND earlier.kind = '${kind}'
                         AND earlier.target_id = amount.${target})`;
const SUM_COUPONS = sumOf('order_timeout_coupon_due', 'coupon', 'coupon_id');
const SUM_POINTS = sumOf('order_timeout_points_due', 'points', 'user_id');

/** The views of this version as common table expressions, over our tables or over what these hold at first. */
function withTables(source: Source, { tables }: DatabaseState): string {
  const missing = Object.entries(INITIAL).filter(([table]) => !tables.has(table));
  const views = source.objects
    .filter(({ kind }) => kind === 'view')
    .map(({ name, text }) => [name, selectOf(text)] as const);
  const due = ['due_order', DUE_ORDERS] as const;
  return `WITH ${[...missing, ...views, due].map(([name, sql]) => `${name} AS (${sql})`).join(',\n')}`;
}

function selectOf(view: string): string {
  const [, select = ''] =
    /\bVIEW \w+ AS\n([\s\S]+)$/.exec(splitStatements(view).at(-1)?.sql ?? '') ?? [];
  return select;
}

const DUE_ORDERS = `
    SELECT candidate.order_id
      FROM order_timeout_candidate AS candidate
      JOIN order_timeout_setting AS setting
      LEFT JOIN order_timeout_policy AS policy ON policy.source_type = candidate.source_type
     WHERE COALESCE(policy.enabled, 1)
       AND candidate.created_at < NOW(3) - INTERVAL COALESCE(policy.timeout_minutes, setting.default_timeout_minutes) MINUTE
       AND (candidate.held_until IS NULL OR candidate.held_until <= NOW(3))
       AND (NOT candidate.has_failed OR candidate.retry_at <= NOW(3))`;
