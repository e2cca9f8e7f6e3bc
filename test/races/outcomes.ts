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

/** How often this session has waited for a lock until its time was up: for a lock that is held all along, as often as it waited. */
export async function lockWaitTimeouts(db: Connection): Promise<number> {
  const [rows] = await db.query<RowDataPacket[]>(
    `SELECT CAST(COALESCE(SUM(errors.sum_error_raised + errors.sum_error_handled), 0) AS SIGNED) AS timeouts
       FROM performance_schema.events_errors_summary_by_thread_by_error AS errors
       JOIN performance_schema.threads USING (thread_id)
      WHERE threads.processlist_id = CONNECTION_ID() AND errors.error_number = 1205`,
  );
  return Number(rows[0]?.timeouts);
}
