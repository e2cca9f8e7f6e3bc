import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';

interface ExpiredOrder extends RowDataPacket {
  readonly id: number;
  readonly user_id: number;
  readonly coupon_id: number;
  readonly points_amount: number;
}

/**
 * The shop's old task, as its application does it: a hundred orders, statement by statement, each statement a
 * round trip and each write a commit. Returns how many orders it cancelled.
 */
export async function cancelInApplication(db: Connection): Promise<number> {
  let cancelled = 0;
  for (;;) {
    const cutoff = new Date(Date.now() - 30 * 60_000);
    const [expired] = await db.query<ExpiredOrder[]>(
      `SELECT id, user_id, coupon_id, order_no, points_amount
         FROM orders
        WHERE status = 1 AND created_at < ? AND source_type != 3
        LIMIT 100`,
      [cutoff],
    );
    if (expired.length === 0) return cancelled;
    for (const order of expired) {
      if (order.coupon_id > 0) await returnCoupon(db, order);
      if (order.points_amount > 0) await returnPoints(db, order);
      cancelled += await cancel(db, order.id);
    }
  }
}

async function returnCoupon(db: Connection, order: ExpiredOrder): Promise<void> {
  const { id, user_id: userId, coupon_id: couponId } = order;
  const refunds = await number(
    db,
    `SELECT COUNT(*) AS number FROM user_coupon_ledger
      WHERE user_coupon_id = ? AND order_id = ? AND action = 'timeout_refund'`,
    [couponId, id],
  );
  if (refunds > 0) return;

  let amount = await number(
    db,
    'SELECT applied_amount AS number FROM order_coupons WHERE order_id = ? AND user_coupon_id = ?',
    [id, couponId],
  );
  if (amount <= 0) {
    amount = await number(
      db,
      `SELECT COALESCE(SUM(CASE WHEN change_amount < 0 THEN -change_amount ELSE 0 END), 0) AS number
         FROM user_coupon_ledger
        WHERE user_id = ? AND user_coupon_id = ? AND order_id = ? AND action IN ('reserve', 'usage')`,
      [userId, couponId, id],
    );
  }
  if (amount <= 0) return;

  const [updated] = await db.query<ResultSetHeader>(
    `UPDATE user_coupons
        SET balance_amount = balance_amount + ?, status = 1, used_order_id = NULL, used_at = NULL
      WHERE id = ?`,
    [amount, couponId],
  );
  if (updated.affectedRows > 0) {
    await db.query(
      `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
       VALUES (?, ?, ?, ?, 'timeout_refund', ?)`,
      [userId, couponId, amount, id, new Date()],
    );
  }
}

async function returnPoints(db: Connection, order: ExpiredOrder): Promise<void> {
  const { id, user_id: userId, points_amount: points } = order;
  const [[account]] = await db.query<RowDataPacket[]>(
    'SELECT id, points FROM user_points WHERE user_id = ? ORDER BY id LIMIT 1 FOR UPDATE',
    [userId],
  );
  if (account === undefined) {
    await db.query('INSERT INTO user_points (user_id, points) VALUES (?, ?)', [userId, points]);
  } else {
    await db.query('UPDATE user_points SET points = ? WHERE id = ?', [
      Number(account.points) + points,
      account.id,
    ]);
  }
  await db.query(
    `INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, remark)
     VALUES (?, 'timeout_refund', ?, 'orders', ?, 'order_timeout')`,
    [userId, points, String(id)],
  );
}

async function cancel(db: Connection, orderId: number): Promise<number> {
  const [updated] = await db.query<ResultSetHeader>(
    'UPDATE orders SET status = 3, cancelled_at = NOW() WHERE id = ? AND status = 1',
    [orderId],
  );
  return updated.affectedRows;
}

/** One number of one row, 0 without a row. */
async function number(db: Connection, sql: string, values: readonly number[]): Promise<number> {
  const [[row]] = await db.query<RowDataPacket[]>(sql, [...values]);
  return Number(row?.number ?? 0);
}
