import type { Connection, RowDataPacket } from 'mysql2/promise';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createShop, pendingOrder, type Shop, timestamps } from '../support';
import { cancelExpiredOrder, sweep } from './calls';

// In the hour when clocks go back a local time means two moments; when they go forward an hour is missing.
// A TIMESTAMP column is read and written in the time zone of the session.

/** A time zone of the server in which the clocks went this way 20 minutes ago. */
async function zoneOf(shop: Shop, way: 'back' | 'forward'): Promise<string> {
  const name = `Test/${shop.name}`;
  const root = await shop.connect();
  const [{ insertId: id }] = (await root.query(
    "INSERT INTO mysql.time_zone (use_leap_seconds) VALUES ('N')",
  )) as unknown as [{ insertId: number }];
  onTestFinished(async () => {
    for (const table of ['', '_name', '_transition', '_transition_type'])
      await root.query(`DELETE FROM mysql.time_zone${table} WHERE time_zone_id = ?`, [id]);
  });
  const [summer, winter] = way === 'back' ? [0, 1] : [1, 0];
  const lastYear = Math.round(Date.now() / 1000) - 365 * 86_400;
  const change = Math.round(Date.now() / 1000) - 20 * 60;
  await root.query('INSERT INTO mysql.time_zone_name VALUES (?, ?)', [name, id]);
  await root.query('INSERT INTO mysql.time_zone_transition_type VALUES ?', [
    [
      [id, summer, 7200, 1, 'CEST'],
      [id, winter, 3600, 0, 'CET'],
    ],
  ]);
  await root.query('INSERT INTO mysql.time_zone_transition VALUES ?', [
    [
      [id, lastYear, 0],
      [id, change, 1],
    ],
  ]);
  return name;
}

async function caller(shop: Shop, zone: string): Promise<Connection> {
  const db = await shop.connect();
  await db.query('SET time_zone = ?', [zone]);
  return db;
}

/** Every time that the engine has written to the shop, in seconds from now. */
async function writtenFromNow(shop: Shop): Promise<number[]> {
  const rows = await shop.run<{ seconds: number }>(
    `SELECT TIMESTAMPDIFF(SECOND, NOW(), at) AS seconds
       FROM (SELECT cancelled_at AS at FROM orders WHERE status = 3
              UNION ALL SELECT created_at FROM user_coupon_ledger WHERE change_amount > 0 AND order_id > 0
              UNION ALL SELECT created_at FROM user_points_ledger WHERE points > 0 AND ref_table = 'orders'
              UNION ALL SELECT cancelled_at FROM order_timeout_cancellation
              UNION ALL SELECT refunded_at FROM order_timeout_refund) AS written`,
  );
  return rows.map(({ seconds }) => seconds);
}

describe.each(['back', 'forward'] as const)('in a session whose clocks just went %s', (way) => {
  const AGES = [95, 85, 40, 25, 10];
  const isDue = (age: number) => age > 30;

  test('a call cancels what is older than 30 minutes, and writes the time of now', async () => {
    const shop = await createShop({ clock: '+01:00', schema: timestamps });
    const db = await caller(shop, await zoneOf(shop, way));

    for (const ageMinutes of AGES) {
      const order = await pendingOrder(shop, { ageMinutes, coupon: 1000, points: 50 });
      expect({ ageMinutes, ...(await cancelExpiredOrder(db, order)) }).toMatchObject({
        ageMinutes,
        outcome: isDue(ageMinutes) ? 'cancelled' : 'not_expired',
      });
    }
    for (const seconds of await writtenFromNow(shop)) expect(Math.abs(seconds)).toBeLessThan(60);
  });

  test('so does the sweep; preview and countdown say the same before', async () => {
    const shop = await createShop({ clock: '+01:00', schema: timestamps });
    const db = await caller(shop, await zoneOf(shop, way));
    const ids: number[] = [];
    for (const ageMinutes of AGES)
      ids.push((await pendingOrder(shop, { ageMinutes, coupon: 1000, points: 50 })).orderId);
    const rowsOf = async (sql: string, ...values: unknown[]) => {
      const [[rows = []]] = await db.query<RowDataPacket[][]>(`CALL ${sql}`, values);
      return rows as Record<string, unknown>[];
    };

    const previewed = await rowsOf('preview_expired_orders(10)');
    expect(previewed.map((row) => Math.round(Number(row.overdue_seconds) / 60))).toEqual([
      65, 55, 10,
    ]);
    const deadlines = await rowsOf('order_deadlines(?)', JSON.stringify(ids));
    expect(
      deadlines.map((row) => [row.state, Math.round(Number(row.remaining_seconds) / 60)]),
    ).toEqual([
      ['due', 0],
      ['due', 0],
      ['due', 0],
      ['pending', 5],
      ['pending', 20],
    ]);
    expect(await sweep(db)).toMatchObject({ cancelled: 3, failed: 0 });
    const written = await writtenFromNow(shop);
    expect(written).toHaveLength(3 * 6);
    for (const seconds of written) expect(Math.abs(seconds)).toBeLessThan(60);
  });
});
