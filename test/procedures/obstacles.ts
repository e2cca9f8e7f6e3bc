import type { Connection } from 'mysql2/promise';
import { type Shop, until } from '../support';

/** A trigger of the shop that raises an error, before a row of this table is written for which this is so. */
export async function failWhen(
  shop: Shop,
  table: string,
  when: 'INSERT' | 'UPDATE',
  isSo = 'TRUE',
  signal = "SQLSTATE '45000' SET MESSAGE_TEXT = 'the shop objects'",
): Promise<void> {
  await shop.run(
    `CREATE TRIGGER object_to_${table} BEFORE ${when} ON ${table} FOR EACH ROW
     BEGIN
         IF ${isSo} THEN SIGNAL ${signal}; END IF;
     END`,
  );
}

/** A session of the shop in a transaction that has run this statement and not ended. */
export async function holding(
  shop: Shop,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Connection> {
  const db = await shop.connect();
  await db.query('START TRANSACTION');
  await db.query(sql, [...values]);
  return db;
}

/** A transaction of the shop that has written so much that a deadlock never picks it. */
export async function heavy(shop: Shop): Promise<Connection> {
  return holding(
    shop,
    `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, action)
     WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 500)
     SELECT 1, 1, 0, 'weight' FROM n`,
  );
}

/** Resolves when this connection is in the state, as the process list calls it. */
export async function stateOf(shop: Shop, db: Connection, state: string): Promise<void> {
  await until(async () => {
    const rows = await shop.run(
      'SELECT 1 FROM performance_schema.processlist WHERE id = ? AND state = ?',
      [db.threadId, state],
    );
    return rows.length > 0;
  });
}
