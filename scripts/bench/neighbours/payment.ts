import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';

export interface UnpaidOrder {
  readonly orderId: number;
  readonly couponId: number;
}

/** A payment as docs ask for it: the order's lock first, and only a pending order is paid. Returns whether it was. */
export async function pay(db: Connection, { orderId, couponId }: UnpaidOrder): Promise<boolean> {
  await db.query('START TRANSACTION');
  await db.query<RowDataPacket[]>('SELECT status FROM orders WHERE id = ? FOR UPDATE', [orderId]);
  const [paid] = await db.query<ResultSetHeader>(
    'UPDATE orders SET status = 2, paid_at = UTC_TIMESTAMP(3) WHERE id = ? AND status = 1',
    [orderId],
  );
  await db.query(
    'UPDATE user_coupons SET status = 2, used_at = UTC_TIMESTAMP(3) WHERE id = ? AND status = 4 AND used_order_id = ?',
    [couponId, orderId],
  );
  await db.query('COMMIT');
  return paid.affectedRows === 1;
}
