import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { OrderTimeoutError } from '../client/errors';

/** Resolves with whether it was different before. Needs SELECT and UPDATE on order_timeout_setting. */
export async function setPaused(db: Connection, paused: boolean): Promise<boolean> {
  const [header] = await db.query<ResultSetHeader>(
    'UPDATE order_timeout_setting SET paused = ? WHERE paused <> ?',
    [paused, paused],
  );
  if (header.affectedRows > 0) return true;
  const [rows] = await db.query<RowDataPacket[]>('SELECT paused FROM order_timeout_setting');
  if (rows.length > 0) return false;
  throw new OrderTimeoutError('SETTING_LOST', 'order_timeout_setting has lost its row.');
}
