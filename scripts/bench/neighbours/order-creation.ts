import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';

export interface UsableCoupon {
  readonly couponId: number;
  readonly userId: number;
  readonly balance: number;
}

/** A new order that holds a coupon. */
export async function createOrder(
  db: Connection,
  { couponId, userId, balance }: UsableCoupon,
): Promise<boolean> {
  await db.query('START TRANSACTION');
  const [created] = await db.query<ResultSetHeader>(
    `INSERT INTO orders (order_no, user_id, source_type, status, total_amount, discount_amount, actual_amount,
                         coupon_id, created_at)
     VALUES (?, ?, 1, 1, 5000, ?, ?, ?, UTC_TIMESTAMP(3))`,
    [`NEW${couponId}`, userId, balance, 5000 - balance, couponId],
  );
  const orderId = created.insertId;
  await db.query<RowDataPacket[]>(
    'SELECT balance_amount FROM user_coupons WHERE id = ? FOR UPDATE',
    [couponId],
  );
  const [held] = await db.query<ResultSetHeader>(
    `UPDATE user_coupons
        SET status = 4, balance_amount = balance_amount - ?, used_order_id = ?, used_at = UTC_TIMESTAMP(3)
      WHERE id = ? AND status = 1`,
    [balance, orderId, couponId],
  );
  await db.query(
    'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount, created_at) VALUES (?, ?, ?, UTC_TIMESTAMP(3))',
    [orderId, couponId, balance],
  );
  await db.query(
    `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
     VALUES (?, ?, ?, ?, 'reserve', UTC_TIMESTAMP(3))`,
    [userId, couponId, -balance, orderId],
  );
  await db.query('COMMIT');
  return held.affectedRows === 1;
}
