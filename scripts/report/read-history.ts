import type { Connection } from 'mysql2/promise';
import { readShopClock } from '../client/clock';
import { orderTimeoutNumbers } from '../client/order-timeout-numbers';
import { ask, count, onlyRow, text, type TextRow, whole } from '../client/rows';
import { shopTimeOf } from '../client/shop-time';
import {
  type FailedOrder,
  type FailedRun,
  type History,
  type Span,
  spanNames,
  unitOf,
} from './history';

const ROWS_AT_MOST = 50;

/**
 * Reads what happened from one instant to another. Needs SELECT on orders and on the tables and views order_timeout_*, and
 * EXECUTE on order_timeout_clock and order_timeout_numbers. It reads the journal of that time in full, and locks nothing.
 */
export async function readHistory(
  db: Connection,
  { since, until }: { since: Date; until: Date },
): Promise<History> {
  const clock = await readShopClock(db, {});
  // So that orders.created_at is compared in the shop's clock also where it is a TIMESTAMP.
  await db.query('SET SESSION time_zone = ?', [clock]);
  const { rows } = await ask(db, 'SELECT DATABASE() AS name');
  const unit = unitOf(since, until);
  const period: Period = {
    from: `'${shopTimeOf(since, clock)}'`,
    to: `'${shopTimeOf(until, clock)}'`,
    nameOf: (column) =>
      `DATE_FORMAT(${column}, '${unit === 'day' ? '%Y-%m-%d' : '%Y-%m-%d %H:00'}')`,
  };
  const parts = {
    runs: bySpan(await ask(db, runsSql(period))),
    cancellations: bySpan(await ask(db, cancellationsSql(period))),
    repairs: bySpan(await ask(db, repairsSql(period))),
  };
  return {
    database: text(onlyRow(rows), 'name'),
    clock,
    since,
    until,
    madeAt: new Date(),
    unit,
    spans: spanNames(shopTimeOf(since, clock), shopTimeOf(until, clock), unit).map((name) =>
      readSpan(name, parts),
    ),
    numbers: await orderTimeoutNumbers(db),
    failedRuns: (await ask(db, failedRunsSql(period))).rows.map(readFailedRun),
    failedOrders: (await ask(db, FAILED_ORDERS_SQL)).rows.map(readFailedOrder),
  };
}

interface Period {
  /** SQL literals of the shop's time. */
  readonly from: string;
  readonly to: string;
  /** SQL: the name of the span in which a column's time lies. */
  readonly nameOf: (column: string) => string;
}

const runsSql = ({ from, to, nameOf }: Period) => `
  SELECT ${nameOf('started_at')} AS span,
         SUM(outcome = 'completed') AS completed,
         SUM(outcome = 'out_of_time') AS out_of_time,
         SUM(outcome IN ('failed', 'interrupted')) AS failed,
         COALESCE(MAX(duration_ms), 0) AS longest_ms,
         SUM(failed) AS failures
    FROM order_timeout_run
   WHERE started_at >= ${from} AND started_at < ${to} AND outcome IS NOT NULL
   GROUP BY span`;

/** Batches come in the order of time, so the first one of the period bounds what is read. */
const firstBatchSql = (from: string) =>
  `COALESCE((SELECT id FROM order_timeout_batch WHERE created_at >= ${from} ORDER BY id LIMIT 1), 0)`;

const cancellationsSql = ({ from, to, nameOf }: Period) => `
  SELECT ${nameOf('cancelled.cancelled_at')} AS span,
         SUM(cancelled.cause = 'timeout') AS timeout,
         SUM(cancelled.cause = 'user') AS user,
         SUM(cancelled.cause = 'admin') AS admin,
         SUM(cancelled.coupon_refunded) AS coupon_refunded,
         SUM(cancelled.points_refunded) AS points_refunded,
         COALESCE(MAX(IF(cancelled.run_id IS NULL, NULL, TIMESTAMPDIFF(SECOND,
             orders.created_at + INTERVAL COALESCE(policy.timeout_minutes, setting.default_timeout_minutes) MINUTE,
             cancelled.cancelled_at))), 0) AS oldest_overdue_seconds
    FROM order_timeout_cancelled AS cancelled
    JOIN order_timeout_setting AS setting
    LEFT JOIN order_timeout_policy AS policy ON policy.source_type = cancelled.source_type
    LEFT JOIN orders ON orders.id = cancelled.order_id
   WHERE cancelled.batch_id >= ${firstBatchSql(from)}
     AND cancelled.cancelled_at >= ${from} AND cancelled.cancelled_at < ${to}
   GROUP BY span`;

/** Refunds are kept for ever and have no index by time: they are read only when somebody repaired something. */
const repairsSql = ({ from, to, nameOf }: Period) => `
  SELECT ${nameOf('refunded_at')} AS span,
         SUM(IF(kind = 'coupon', amount, 0)) AS coupons,
         SUM(IF(kind = 'points', amount, 0)) AS points
    FROM order_timeout_refund
   WHERE cause = 'repair' AND refunded_at >= ${from} AND refunded_at < ${to}
     AND EXISTS (SELECT 1 FROM order_timeout_batch WHERE id >= ${firstBatchSql(from)} AND cause = 'repair')
   GROUP BY span`;

const failedRunsSql = ({ from, to }: Period) => `
  SELECT id, DATE_FORMAT(started_at, '%Y-%m-%d %H:%i:%s') AS started_at, outcome,
         COALESCE(CONCAT(error_number, ': ', error_message), '') AS error
    FROM order_timeout_run
   WHERE started_at >= ${from} AND started_at < ${to} AND outcome IN ('failed', 'interrupted')
   ORDER BY id DESC
   LIMIT ${ROWS_AT_MOST}`;

const FAILED_ORDERS_SQL = `
  SELECT order_id, attempts,
         DATE_FORMAT(last_failed_at, '%Y-%m-%d %H:%i:%s') AS last_failed_at,
         DATE_FORMAT(retry_at, '%Y-%m-%d %H:%i:%s') AS retry_at,
         CONCAT(error_number, ': ', error_message) AS error
    FROM order_timeout_failure
   ORDER BY retry_at IS NOT NULL, last_failed_at DESC
   LIMIT ${ROWS_AT_MOST}`;

type BySpan = ReadonlyMap<string, TextRow>;

const bySpan = ({ rows }: { rows: readonly TextRow[] }): BySpan =>
  new Map(rows.map((row) => [text(row, 'span'), row]));

function readSpan(name: string, parts: Record<'runs' | 'cancellations' | 'repairs', BySpan>): Span {
  const runs = parts.runs.get(name);
  const cancellations = parts.cancellations.get(name);
  const repairs = parts.repairs.get(name);
  const number = (row: TextRow | undefined, column: string) => (row ? count(row, column) : 0);
  const amount = (row: TextRow | undefined, column: string) => (row ? whole(row, column) : 0n);
  return {
    name,
    runs: {
      completed: number(runs, 'completed'),
      outOfTime: number(runs, 'out_of_time'),
      failed: number(runs, 'failed'),
    },
    longestRunMs: number(runs, 'longest_ms'),
    cancelled: {
      timeout: number(cancellations, 'timeout'),
      user: number(cancellations, 'user'),
      admin: number(cancellations, 'admin'),
    },
    couponRefunded: amount(cancellations, 'coupon_refunded'),
    pointsRefunded: amount(cancellations, 'points_refunded'),
    couponRepaired: amount(repairs, 'coupons'),
    pointsRepaired: amount(repairs, 'points'),
    oldestOverdueSeconds: Math.max(0, number(cancellations, 'oldest_overdue_seconds')),
    failures: number(runs, 'failures'),
  };
}

function readFailedRun(row: TextRow): FailedRun {
  return {
    runId: whole(row, 'id'),
    startedAt: text(row, 'started_at'),
    outcome: text(row, 'outcome'),
    error: text(row, 'error'),
  };
}

function readFailedOrder(row: TextRow): FailedOrder {
  return {
    orderId: whole(row, 'order_id'),
    attempts: count(row, 'attempts'),
    lastFailedAt: text(row, 'last_failed_at'),
    retryAt: row.retry_at ?? null,
    error: text(row, 'error'),
  };
}
