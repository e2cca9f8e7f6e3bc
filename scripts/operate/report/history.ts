import type { Connection } from 'mysql2/promise';
import { orderTimeoutClock, orderTimeoutNumbers } from '../../index';
import { shopTimeOf } from '../../client/shop-time';
import { select } from '../../deploy/connection';

/** What a report shows, of a stretch of time. Times that are text are of the shop's clock. */
export type History = Awaited<ReturnType<typeof readHistory>>;
export type Span = Awaited<ReturnType<typeof readSpans>>[number];
type Unit = 'hour' | 'day';

/** A list for people: what the columns are called is what the page calls them. */
export type List = readonly Readonly<Record<string, string | number | null>>[];

/** Of each list. */
export const ROWS_AT_MOST = 50;

/**
 * Reads what happened from one instant to another. Needs SELECT on the tables and views order_timeout_*, and EXECUTE
 * on order_timeout_clock and order_timeout_numbers. It reads the journal of that time in full, and locks nothing.
 */
export async function readHistory(db: Connection, { since, until }: { since: Date; until: Date }) {
  const clock = await orderTimeoutClock(db);
  // So that an order's time is compared in the shop's clock also where it is a TIMESTAMP.
  await db.query('SET SESSION time_zone = ?', [clock]);
  const unit = unitOf(since, until);
  const period = [shopTimeOf(since, clock), shopTimeOf(until, clock)] as const;
  const [shop] = await select<{ name: string }>(db, 'SELECT DATABASE() AS name');
  const spans = await readSpans(db, period, unit);
  const kinds = spans.flatMap(({ returned, repaired }) =>
    Object.keys({ ...returned, ...repaired }),
  );
  const list = (sql: string, ...values: string[]): Promise<List> =>
    select(db, `${sql} LIMIT ${ROWS_AT_MOST}`, values);
  return {
    database: shop?.name ?? '',
    clock,
    since,
    until,
    madeAt: new Date(),
    unit,
    /** What the shop's orders give back, as its file names it: coupon, points, stock. */
    kinds: [...new Set(kinds)],
    /** Every hour or day from since to until, also those in which nothing happened. */
    spans,
    /** Of now. */
    numbers: await orderTimeoutNumbers(db),
    findings: await list(
      `SELECT CAST(id AS CHAR) AS finding, CAST(order_id AS CHAR) AS \`order\`, what, kind, CAST(amount AS CHAR) AS amount,
              ${timeOf('opened_at')} AS since
         FROM order_timeout_finding WHERE is_open = 1 ORDER BY id`,
    ),
    failedOrders: await list(
      `SELECT CAST(order_id AS CHAR) AS \`order\`, attempts, ${timeOf('last_failed_at')} AS \`last failed at\`,
              COALESCE(${timeOf('retry_at')}, 'set aside') AS \`next try\`, CONCAT(error_number, ': ', error_message) AS error
         FROM order_timeout_failure ORDER BY retry_at IS NOT NULL, last_failed_at DESC`,
    ),
    failedRuns: await list(
      `SELECT CAST(id AS CHAR) AS run, ${timeOf('started_at')} AS \`began at\`, outcome,
              COALESCE(CONCAT(error_number, ': ', error_message), '') AS error
         FROM order_timeout_run
        WHERE started_at >= ? AND started_at < ? AND outcome IN ('failed', 'interrupted') ORDER BY id DESC`,
      ...period,
    ),
  };
}

const timeOf = (column: string) => `DATE_FORMAT(${column}, '%Y-%m-%d %H:%i:%s')`;

/** Batches come in the order of time, so the first one of the period bounds what is read. */
const FIRST_BATCH =
  'COALESCE((SELECT id FROM order_timeout_batch WHERE created_at >= ? ORDER BY id LIMIT 1), 0)';

/** What a query says of each span: numbers by the names of its columns. */
async function sumsBySpan(db: Connection, sql: string, values: readonly string[]) {
  const rows = await select<Readonly<Record<string, number>> & { span: never }>(db, sql, values);
  return new Map<string, Readonly<Record<string, number>>>(rows.map((row) => [row.span, row]));
}

async function readSpans(db: Connection, period: readonly [string, string], unit: Unit) {
  const [from] = period;
  const span = (column: string) =>
    `DATE_FORMAT(${column}, '${unit === 'day' ? '%Y-%m-%d' : '%Y-%m-%d %H:00'}') AS span`;
  const runs = await sumsBySpan(
    db,
    `SELECT ${span('started_at')}, COUNT(IF(outcome = 'completed', 1, NULL)) AS completed,
              COUNT(IF(outcome = 'out_of_time', 1, NULL)) AS outOfTime,
              COUNT(IF(outcome IN ('failed', 'interrupted'), 1, NULL)) AS failed,
              CAST(COALESCE(MAX(duration_ms), 0) AS SIGNED) AS longestMs, CAST(SUM(failed) AS SIGNED) AS failures
         FROM order_timeout_run
        WHERE started_at >= ? AND started_at < ? AND outcome IS NOT NULL
        GROUP BY span`,
    period,
  );
  const cancellations = await sumsBySpan(
    db,
    `SELECT ${span('done.cancelled_at')}, COUNT(IF(done.cause = 'timeout', 1, NULL)) AS timeout,
              COUNT(IF(done.cause = 'user', 1, NULL)) AS user, COUNT(IF(done.cause = 'admin', 1, NULL)) AS admin,
              COALESCE(MAX(IF(done.run_id IS NULL, NULL, TIMESTAMPDIFF(SECOND, COALESCE(o.deadline, o.created_at
                  + INTERVAL COALESCE(policy.timeout_minutes, setting.default_timeout_minutes) MINUTE),
                  done.cancelled_at))), 0) AS overdueSeconds
         FROM order_timeout_cancellation AS done
         JOIN order_timeout_setting AS setting
         LEFT JOIN order_timeout_policy AS policy ON policy.source_type = done.source_type
         LEFT JOIN order_timeout_shop_order AS o ON o.order_id = done.order_id
        WHERE done.batch_id >= ${FIRST_BATCH} AND done.cancelled_at >= ? AND done.cancelled_at < ?
        GROUP BY span`,
    [from, ...period],
  );
  // Refunds have no index by time; those of a cancellation are found by its order.
  const given = await select<{ span: string; kind: string; isRepair: number; amount: string }>(
    db,
    `SELECT ${span('done.cancelled_at')}, refund.kind, 0 AS isRepair, CAST(SUM(refund.amount) AS CHAR) AS amount
       FROM order_timeout_cancellation AS done
       JOIN order_timeout_refund AS refund ON refund.order_id = done.order_id AND refund.batch_id = done.batch_id
      WHERE done.batch_id >= ${FIRST_BATCH} AND done.cancelled_at >= ? AND done.cancelled_at < ?
      GROUP BY span, refund.kind
      UNION ALL
     SELECT ${span('refunded_at')}, kind, 1, CAST(SUM(amount) AS CHAR)
       FROM order_timeout_refund
      WHERE cause = 'repair' AND refunded_at >= ? AND refunded_at < ?
        AND EXISTS (SELECT 1 FROM order_timeout_batch WHERE id >= ${FIRST_BATCH} AND cause = 'repair')
      GROUP BY span, kind`,
    [from, ...period, ...period, from],
  );
  const amounts = (span: string, isRepair: number): Readonly<Record<string, bigint>> =>
    Object.fromEntries(
      given
        .filter((one) => one.span === span && one.isRepair === isRepair)
        .map(({ kind, amount }) => [kind, BigInt(amount)]),
    );
  return spanNames(...period, unit).map((name) => {
    const { completed = 0, outOfTime = 0, failed = 0, ...run } = runs.get(name) ?? {};
    const { timeout = 0, user = 0, admin = 0, overdueSeconds = 0 } = cancellations.get(name) ?? {};
    return {
      /** "2026-01-31", or "2026-01-31 20:00". */
      name,
      runs: { completed, outOfTime, failed },
      longestRunMs: run.longestMs ?? 0,
      cancelled: { timeout, user, admin },
      /** Given back, by kind: by cancellations and by repairs, in minor units, points or pieces. */
      returned: amounts(name, 0),
      repaired: amounts(name, 1),
      /** How long the oldest order that the sweep cancelled was past its time, by the time-outs of today. */
      oldestOverdueSeconds: Math.max(0, overdueSeconds),
      /** Times that an order failed in a sweep. */
      failures: run.failures ?? 0,
    };
  });
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HOURS_UP_TO_MS = 3 * DAY_MS;

/** Hours are shown for up to three days, else days. */
export function unitOf(since: Date, until: Date): Unit {
  return until.getTime() - since.getTime() <= HOURS_UP_TO_MS ? 'hour' : 'day';
}

/** The names of all spans from one time of the shop's to another ("2026-01-31 20:00:00.000"). */
export function spanNames(from: string, to: string, unit: Unit): string[] {
  const asIfUtc = (shopTime: string) => Date.parse(`${shopTime.replace(' ', 'T')}Z`);
  const step = unit === 'day' ? DAY_MS : HOUR_MS;
  const names: string[] = [];
  for (let at = Math.floor(asIfUtc(from) / step) * step; at < asIfUtc(to); at += step) {
    const name = new Date(at).toISOString().replace('T', ' ');
    names.push(name.slice(0, unit === 'day' ? 10 : 16));
  }
  return names;
}
