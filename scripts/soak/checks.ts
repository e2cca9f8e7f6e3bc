import { type Baseline, findBalanceViolations, findViolations } from '../invariants';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { errnoOf } from './session';
import { CLOCK } from './shop';

/** What was found broken, under a name that docs/testing.md explains. */
export interface Finding {
  readonly invariant: string;
  readonly detail: string;
}

const NOW = `CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', '${CLOCK}')`;

const REFUNDS = "'timeout_refund', 'cancel_refund', 'repair_refund'";

/** What the shop's ledgers say of each order and what it took: the engine's views play no part. */
const MOVED = `
  (SELECT order_id, 'coupon' AS kind, user_coupon_id AS target_id,
          SUM(change_amount) AS missing, SUM(action IN (${REFUNDS})) AS refunds
     FROM user_coupon_ledger WHERE order_id > 0 GROUP BY order_id, user_coupon_id
    UNION ALL
   SELECT CAST(ref_id AS SIGNED), 'points', user_id, SUM(points), SUM(action IN (${REFUNDS}))
     FROM user_points_ledger WHERE ref_table = 'orders' GROUP BY ref_id, user_id) AS moved`;
const NEVER_REOPENED = 'NOT EXISTS (SELECT 1 FROM soak_reopened WHERE order_id = orders.id)';

/** Each finds rows that must not be, once nobody is at work and the sweep has done its part. */
const AT_REST: Readonly<Record<string, string>> = {
  'half done: what a call left was not completed': `
    SELECT CONCAT('order ', order_id, ', status ', COALESCE(status, 0), ': ', kind, ' ', target_id) AS detail
      FROM order_timeout_half_done`,
  'lost: a cancelled order has not got back all that it took': `
    SELECT CONCAT('order ', orders.id, ': ', kind, ' ', target_id, ' lacks ', -missing) AS detail
      FROM orders JOIN ${MOVED} ON moved.order_id = orders.id
     WHERE orders.status = 3 AND missing < 0 AND ${NEVER_REOPENED}`,
  'paid and refunded: an order that is pending or paid got something back': `
    SELECT CONCAT('order ', orders.id, ', status ', status, ': ', kind, ' ', target_id) AS detail
      FROM orders JOIN ${MOVED} ON moved.order_id = orders.id
     WHERE orders.status IN (1, 2) AND refunds > 0 AND ${NEVER_REOPENED}`,
  'paid and cancelled: an order that was paid is not paid any more': `
    SELECT CONCAT('order ', id, ', status ', status, ', paid at ', paid_at) AS detail
      FROM orders WHERE paid_at IS NOT NULL AND status <> 2`,
  'given again: an order got the same thing back more than once': `
    SELECT CONCAT('order ', order_id, ': ', kind, ' ', target_id, ' ', refunds, ' times') AS detail
      FROM ${MOVED} WHERE refunds > 1`,
  'too much: an order got back more than it took': `
    SELECT CONCAT('order ', order_id, ': ', kind, ' ', target_id, ' by ', missing) AS detail
      FROM ${MOVED} WHERE missing > 0`,
  'stuck: a coupon is held for a cancelled order': `
    SELECT CONCAT('coupon ', user_coupons.id, ' for order ', orders.id) AS detail
      FROM user_coupons JOIN orders ON orders.id = user_coupons.used_order_id
     WHERE user_coupons.status = 4 AND orders.status = 3`,
  'unrecorded: a cancelled order has no entry in the journal': `
    SELECT CONCAT('order ', orders.id) AS detail
      FROM orders LEFT JOIN order_timeout_cancellation AS cancellation ON cancellation.order_id = orders.id
     WHERE orders.status = 3 AND cancellation.order_id IS NULL`,
  'early: an order was timed out that was not due': `
    SELECT CONCAT('order ', orders.id, ' of ', orders.created_at, ' at ', cancellation.cancelled_at) AS detail
      FROM order_timeout_cancellation AS cancellation JOIN orders ON orders.id = cancellation.order_id
     WHERE cancellation.cause = 'timeout'
       AND orders.created_at >= cancellation.cancelled_at - INTERVAL 30 MINUTE`,
  'excluded: an order of an excluded type was timed out': `
    SELECT CONCAT('order ', order_id) AS detail
      FROM order_timeout_cancellation WHERE cause = 'timeout' AND source_type = 3`,
  "clock: a time is not in the shop's clock": `
    SELECT CONCAT('order ', id, ' cancelled at ', cancelled_at, ', now it is ', ${NOW}) AS detail
      FROM orders WHERE cancelled_at NOT BETWEEN ${NOW} - INTERVAL 6 HOUR AND ${NOW}
     UNION ALL
    SELECT CONCAT('ledger row of order ', order_id, ' at ', created_at, ', now it is ', ${NOW})
      FROM user_coupon_ledger
     WHERE action LIKE '%refund' AND created_at NOT BETWEEN ${NOW} - INTERVAL 6 HOUR AND ${NOW}`,
  'left: an order that is due was not cancelled': `
    SELECT CONCAT('order ', orders.id, ' of ', created_at) AS detail
      FROM orders LEFT JOIN order_timeout_hold AS hold ON hold.order_id = orders.id
     WHERE status = 1 AND source_type <> 3
       AND created_at < ${NOW} - INTERVAL 31 MINUTE
       AND (held_until IS NULL OR held_until < ${NOW})`,
  'failed: a sweep could not cancel an order': `
    SELECT CONCAT('order ', order_id, ': ', error_number, ' ', error_message) AS detail
      FROM order_timeout_failure`,
};

const RESERVED = `
  SELECT CONCAT('coupon ', coupon.id, ' of order ', orders.id, ', status ', coupon.status) AS detail
    FROM orders
    JOIN user_coupon_ledger AS taken ON taken.order_id = orders.id AND taken.action = 'reserve'
    JOIN user_coupons AS coupon ON coupon.id = taken.user_coupon_id
   WHERE orders.status = 1 AND ${NEVER_REOPENED}
     AND (coupon.status <> 4 OR coupon.used_order_id <> orders.id)
     AND NOT EXISTS (SELECT 1 FROM order_timeout_half_done AS half WHERE half.order_id = orders.id)`;

/** What a pending order has reserved, when nobody is at work and before the sweep. */
export async function checkReserved(db: Connection): Promise<Finding | undefined> {
  const [rows] = await db.query<RowDataPacket[]>(`${RESERVED} LIMIT 1`);
  const [row] = rows;
  return (
    row && {
      invariant: 'freed: a coupon that a pending order reserved is not held for it',
      detail: String(row.detail),
    }
  );
}

/** What must never be seen, whoever is at work. Returns the first that is. */
export async function checkAtWork(db: Connection): Promise<Finding | undefined> {
  const [violation] = await findViolations(db);
  return violation && { invariant: violation.invariant, detail: violation.detail };
}

/** Everything, when nobody is at work. Returns the first thing that is broken. */
export async function checkAtRest(
  db: Connection,
  baseline: Baseline,
): Promise<Finding | undefined> {
  for (const [invariant, sql] of Object.entries(AT_REST)) {
    const [rows] = await db.query<RowDataPacket[]>(`${sql} LIMIT 1`);
    const [row] = rows;
    if (row !== undefined) return { invariant, detail: String(row.detail) };
  }
  const [violation] = await findBalanceViolations(db, baseline);
  if (violation !== undefined) return violation;
  return (await checkAtWork(db)) ?? (await checkKey(db));
}

const DUPLICATE_KEY = 1062;

/** The key itself: a second refund of the same thing must be refused, whoever tries. */
async function checkKey(db: Connection): Promise<Finding | undefined> {
  await db.query('START TRANSACTION');
  try {
    const columns =
      'order_id, kind, target_id, user_id, account_id, amount, source, cause, refunded_at';
    await db.query(
      `INSERT INTO order_timeout_refund (batch_id, ${columns})
       SELECT batch_id + 1, ${columns} FROM order_timeout_refund LIMIT 1`,
    );
    const [rows] = await db.query<RowDataPacket[]>(
      'SELECT COUNT(*) AS refunds FROM order_timeout_refund',
    );
    if (rows[0]?.refunds === 0) return undefined;
    return {
      invariant: 'key: the journal takes a second refund of the same thing',
      detail: 'order_timeout_refund has no unique key on order, kind and target',
    };
  } catch (error) {
    if (errnoOf(error) === DUPLICATE_KEY) return undefined;
    throw error;
  } finally {
    await db.query('ROLLBACK');
  }
}
