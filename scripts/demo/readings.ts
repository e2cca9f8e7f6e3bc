import type { Connection, RowDataPacket } from 'mysql2/promise';

/** One of the two coupons of user 9110 from which the old task lost money. */
export interface CouponReading {
  readonly couponId: number;
  readonly orderId: number;
  readonly orderStatus: number;
  readonly couponStatus: number;
  /** In minor units. */
  readonly balance: number;
  readonly timeoutRefunds: number;
}

export async function readIncidents(db: Connection): Promise<CouponReading[]> {
  const [rows] = await db.query<(CouponReading & RowDataPacket)[]>(
    `SELECT user_coupons.id AS couponId, orders.id AS orderId, orders.status AS orderStatus,
            user_coupons.status AS couponStatus, user_coupons.balance_amount AS balance,
            (SELECT COUNT(*) FROM user_coupon_ledger
              WHERE user_coupon_id = user_coupons.id AND order_id = orders.id
                AND action = 'timeout_refund') AS timeoutRefunds
       FROM orders
       JOIN user_coupons ON user_coupons.id = orders.coupon_id
      WHERE orders.user_id = 9110
      ORDER BY user_coupons.id DESC`,
  );
  return rows;
}

/** Everything the sweeps did, added up, and who called them. */
export interface RunReading {
  readonly runs: number;
  readonly isAtWork: boolean;
  readonly outcomes: string;
  readonly startedAt: string;
  readonly calledBy: string;
  readonly cancelled: bigint;
  readonly couponRefunded: bigint;
  readonly pointsRefunded: bigint;
  readonly failed: bigint;
  readonly putOff: bigint;
  readonly durationMs: bigint;
}

/** Undefined: no sweep has found anything to do yet. */
export async function readRuns(db: Connection): Promise<RunReading | undefined> {
  const [[row]] = await db.query<RowDataPacket[]>(
    `SELECT COUNT(*) AS runs,
            COALESCE(SUM(finished_at IS NULL), 0) AS at_work,
            GROUP_CONCAT(DISTINCT outcome) AS outcomes,
            CAST(MIN(started_at) AS CHAR) AS started_at,
            (SELECT GROUP_CONCAT(DISTINCT called_by) FROM order_timeout_batch) AS called_by,
            SUM(cancelled) AS cancelled,
            SUM(coupon_refunded) AS coupon_refunded,
            SUM(points_refunded) AS points_refunded,
            SUM(failed) AS failed,
            SUM(put_off) AS put_off,
            COALESCE(SUM(duration_ms), 0) AS duration_ms
       FROM order_timeout_run`,
  );
  if (row === undefined || Number(row.runs) === 0) return undefined;
  const sum = (name: string) => BigInt(String(row[name]));
  return {
    runs: Number(row.runs),
    isAtWork: Number(row.at_work) > 0,
    outcomes: String(row.outcomes),
    startedAt: String(row.started_at),
    calledBy: String(row.called_by),
    cancelled: sum('cancelled'),
    couponRefunded: sum('coupon_refunded'),
    pointsRefunded: sum('points_refunded'),
    failed: sum('failed'),
    putOff: sum('put_off'),
    durationMs: sum('duration_ms'),
  };
}

/** Orders that the event is about to cancel. */
export async function countDue(db: Connection): Promise<number> {
  const [[row]] = await db.query<RowDataPacket[]>(
    `SELECT COUNT(*) AS due
       FROM orders
      WHERE status = 1 AND source_type <> 3 AND created_at < NOW() - INTERVAL 30 MINUTE`,
  );
  return Number(row?.due);
}
