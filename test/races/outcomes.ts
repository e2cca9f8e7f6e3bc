import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';

/** The one result row of a CALL. */
export async function call(
  db: Connection,
  sql: string,
  ...values: unknown[]
): Promise<Record<string, unknown>> {
  const [sets] = await db.query<RowDataPacket[][]>(`CALL ${sql}`, values);
  return sets[0]?.[0] ?? {};
}

export async function sweep(db: Connection): Promise<Record<string, unknown>> {
  return await call(db, 'cancel_expired_orders()');
}

export async function outcomeOf(answer: Promise<Record<string, unknown>>): Promise<unknown> {
  return (await answer).outcome;
}

/** As a shop should pay: it looks at how many rows it changed. */
export async function pay(db: Connection, orderId: number): Promise<number> {
  const [{ affectedRows }] = await db.query<ResultSetHeader>(
    'UPDATE orders SET status = 2, paid_at = NOW(3) WHERE id = ? AND status = 1',
    [orderId],
  );
  return affectedRows;
}
