import { describe, expect, onTestFinished, test } from 'vitest';
import { createShop, pendingOrder, type Shop, timestamps } from '../support';
import { cancelExpiredOrder, rowsOf, sweep } from './calls';

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
  const now = Math.round(Date.now() / 1000);
  await root.query('INSERT INTO mysql.time_zone_name VALUES (?, ?)', [name, id]);
  await root.query(
    "INSERT INTO mysql.time_zone_transition_type VALUES (?, ?, 7200, 1, 'CEST'), (?, ?, 3600, 0, 'CET')",
    [id, summer, id, winter],
  );
  await root.query('INSERT INTO mysql.time_zone_transition VALUES (?, ?, 0), (?, ?, 1)', [
    ...[id, now - 365 * 86_400],
    ...[id, now - 20 * 60],
  ]);
  return name;
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

describe.for([
  { clock: '+01:00', columns: 'TIMESTAMP', schema: timestamps },
  { clock: '-12:00', columns: 'TIMESTAMP', schema: timestamps },
  { clock: '+14:00', columns: 'DATETIME', schema: (sql: string) => sql },
])('in a shop with $columns and the clock $clock', ({ clock, schema }) => {
  test.for(['back', 'forward', '-12:00', '+14:00'] as const)(
    'calls, preview, countdown and sweep take what is older than 30 minutes, and write the time of now: session %s',
    async (zone) => {
      const shop = await createShop({ clock, schema });
      const db = await shop.connect();
      const isShift = zone === 'back' || zone === 'forward';
      await db.query('SET time_zone = ?', [isShift ? await zoneOf(shop, zone) : zone]);
      const called = [];
      const ids = [];
      for (const ageMinutes of [95, 85, 40, 25, 10]) {
        const order = await pendingOrder(shop, { ageMinutes, coupon: 1000, points: 50 });
        called.push((await cancelExpiredOrder(db, order)).outcome);
        ids.push((await pendingOrder(shop, { ageMinutes, coupon: 1000, points: 50 })).orderId);
      }
      expect(called).toEqual([
        ...Array<string>(3).fill('cancelled'),
        ...Array<string>(2).fill('not_expired'),
      ]);

      const minutes = (seconds: unknown) => Math.round(Number(seconds) / 60);
      const previewed = await rowsOf(db, 'preview_expired_orders(10)');
      expect(previewed.map((row) => minutes(row.overdue_seconds))).toEqual([65, 55, 10]);
      const deadlines = await rowsOf(db, 'order_deadlines(?)', JSON.stringify(ids));
      expect(deadlines.map((row) => [row.state, minutes(row.remaining_seconds)])).toEqual([
        ...[95, 85, 40].map(() => ['due', 0]),
        ['pending', 5],
        ['pending', 20],
      ]);
      expect(await sweep(db)).toMatchObject({ cancelled: 3, failed: 0 });
      const written = await writtenFromNow(shop);
      expect(written).toHaveLength(6 * 6);
      for (const seconds of written) expect(Math.abs(seconds)).toBeLessThan(60);
    },
  );
});
