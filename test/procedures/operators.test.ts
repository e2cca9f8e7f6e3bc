import { beforeEach, describe, expect, test } from 'vitest';
import { previewExpiredOrders } from '../../scripts';
import { changesOf, createShop, order, pendingOrder, shopOfFile } from '../support';
import { call, rowsOf, sweep } from './calls';

// What preview, audit, explain and repair say of any shop is test/oracle's.

const shop = shopOfFile();

test('what is due is counted by the numbers, with the age of the oldest beyond its time, and told by the health', async () => {
  await pendingOrder(shop, { ageMinutes: 90 });
  await pendingOrder(shop, { ageMinutes: 31, sourceType: 2 });
  await pendingOrder(shop, { ageMinutes: 29 });

  const { due_orders, overdue_seconds } = await call(shop.db, 'order_timeout_numbers()');
  expect(due_orders).toBe(2);
  expect(overdue_seconds).toBeGreaterThanOrEqual(3600);
  expect(overdue_seconds).toBeLessThan(3900);
  expect(await rowsOf(shop.db, 'order_timeout_health()')).toContainEqual({
    check_name: 'backlog',
    status: expect.any(String) as string,
    detail: expect.stringMatching(/^2 /) as string,
  });
});

test('a hold is of a pending order, and is released once', async () => {
  const { orderId } = await pendingOrder(shop);
  const paid = await order(shop, { status: 'paid' });
  const answer = async (sql: string) => (await call(shop.db, sql)).outcome;

  expect(await answer(`hold_order(${paid.orderId}, 5, 'x')`)).toBe('not_pending');
  expect(await answer("hold_order(4711, 5, 'x')")).toBe('not_found');
  expect(await answer(`release_order_hold(${orderId})`)).toBe('not_held');
  expect(await answer(`hold_order(${orderId}, 5, 'x')`)).toBe('held');
  expect(await shop.run('SELECT order_id, reason FROM order_timeout_hold')).toEqual([
    { order_id: orderId, reason: 'x' },
  ]);
  expect(await answer(`release_order_hold(${orderId})`)).toBe('released');
  expect(await shop.run('SELECT order_id FROM order_timeout_hold')).toEqual([]);
});

test('of the runs that failed the health tells the last error', async () => {
  await shop.run(
    `INSERT INTO order_timeout_run (started_at, outcome, error_number, error_message)
     VALUES (NOW(3), 'failed', 1, 'the first'), (NOW(3), 'failed', 2, 'a second, and last'),
            (NOW(3), 'interrupted', NULL, NULL), (NOW(3) - INTERVAL 25 HOUR, 'failed', 3, 'yesterday''s')`,
  );

  expect(await rowsOf(shop.db, 'order_timeout_health()')).toContainEqual({
    check_name: 'runs',
    status: 'warn',
    detail:
      '3 runs failed or were interrupted in the last 24 hours, last with: a second, and last.',
  });
});

test('a heartbeat that is yet to come is told: the server’s clock was set back', async () => {
  await shop.run('UPDATE order_timeout_heartbeat SET beat_at = NOW(3) + INTERVAL 1 HOUR');
  expect(await rowsOf(shop.db, 'order_timeout_health()')).toContainEqual({
    check_name: 'heartbeat',
    status: 'fail',
    detail: expect.stringContaining('SET GLOBAL event_scheduler = OFF, then ON') as string,
  });
});

test('a heartbeat that was lost is told, hides no numbers, and is there again with the next sweep', async () => {
  const heartbeat = async () =>
    (await rowsOf(shop.db, 'order_timeout_health()')).find(
      ({ check_name }) => check_name === 'heartbeat',
    );
  await pendingOrder(shop);
  await shop.run('DELETE FROM order_timeout_heartbeat');

  expect(await heartbeat()).toMatchObject({ status: 'warn' });
  expect(await call(shop.db, 'order_timeout_numbers()')).toMatchObject({
    due_orders: 1,
    last_sweep_at: null,
  });
  const { run_id } = await sweep(shop.db);
  expect(await heartbeat()).toMatchObject({ status: 'ok' });
  expect(await shop.run('SELECT id, run_id FROM order_timeout_heartbeat')).toEqual([
    { id: 1, run_id },
  ]);
});

test.for([2, null])('a repair of an order of status %s gives nothing', async (status) => {
  const nullable = await createShop({
    schema: (sql) =>
      sql.replace(/status TINYINT NOT NULL DEFAULT 1 (?=COMMENT '1 pend)/, 'status TINYINT NULL '),
  });
  const { orderId } = await order(nullable, { coupon: 1000, points: 50 });
  await nullable.run('UPDATE orders SET status = ?', [status]);

  expect(
    await changesOf(nullable, async () => {
      expect((await nullable.run('CALL repair_missing_refund(?)', [orderId]))[0]).toEqual([]);
    }),
  ).toEqual({});
});

test('a procedure that fails leaves the time zone of the session as it was', async () => {
  const shop = await createShop();
  const db = await shop.connect();
  await db.query("SET time_zone = '-11:00'");
  await shop.run('RENAME TABLE orders TO elsewhere');

  for (const procedure of [
    'audit_missing_refunds(NULL)',
    'explain_order_timeout(1)',
    'order_timeout_health()',
    'order_timeout_numbers()',
    'preview_expired_orders(1)',
  ]) {
    await expect(rowsOf(db, procedure), procedure).rejects.toMatchObject({
      errno: expect.toBeOneOf([1146, 1356]) as number,
    });
    const [zone] = await db.query('SELECT @@time_zone AS zone');
    expect({ procedure, zone }).toEqual({ procedure, zone: [{ zone: '-11:00' }] });
  }
});

describe('the feed', () => {
  beforeEach(async () => {
    await pendingOrder(shop);
    await sweep(shop.db);
  });

  test('that cannot number its batches says so, and leaves lock and session as they were', async () => {
    await shop.run(
      `CREATE TRIGGER fault BEFORE UPDATE ON order_timeout_batch FOR EACH ROW
       SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'`,
    );
    const db = await shop.connect();
    await db.query('SET sql_safe_updates = 1');
    await expect(rowsOf(db, 'read_cancellations(0, 0, 10)')).rejects.toMatchObject({ errno: 1644 });
    expect((await db.query('SELECT @@sql_safe_updates AS safe'))[0]).toEqual([{ safe: 1 }]);

    await shop.run('DROP TRIGGER fault');
    expect(await call(shop.db, 'read_cancellations(0, 0, 10)')).toMatchObject({ cause: 'timeout' });
  });

  test('refuses a place that no database has given yet, as after the clock was set back', async () => {
    const { position, order_id } = await call(shop.db, 'read_cancellations(0, 0, 10)');

    expect(await rowsOf(shop.db, 'read_cancellations(?, ?, 10)', position, order_id)).toEqual([]);
    const tomorrow = Number(position) + 86_400_000_000;
    await expect(rowsOf(shop.db, 'read_cancellations(?, 0, 10)', tomorrow)).rejects.toMatchObject({
      errno: 50004,
      message: expect.stringContaining('no position here is beyond') as string,
    });
  });

  test('waits ten seconds for another reader, and then says that it is busy', async () => {
    const another = await shop.connect();
    await another.query(
      "DO GET_LOCK(CONCAT('order_timeout_feed:', LEFT(SHA2(DATABASE(), 256), 40)), 0)",
    );

    await expect(rowsOf(shop.db, 'read_cancellations(0, 0, 10)')).rejects.toMatchObject({
      errno: 50005,
    });
  });
});

describe('where a time and a source type may be NULL', () => {
  const nullable = () =>
    createShop({
      schema: (sql) =>
        sql
          .replace('source_type TINYINT NOT NULL', 'source_type TINYINT NULL')
          .replaceAll('created_at DATETIME(3) NOT NULL', 'created_at DATETIME(3) NULL'),
    });

  test('an order without a time never times out, and explain says so; the audit of all lists it, since some time it can’t', async () => {
    const shop = await nullable();
    const { orderId } = await pendingOrder(shop);
    const missed = await order(shop, { status: 'cancelled', coupon: 1000 });
    await shop.run('UPDATE orders SET created_at = NULL');

    expect(await rowsOf(shop.db, 'audit_missing_refunds(NULL)')).toMatchObject([
      { order_id: missed.orderId, missing: 1000 },
    ]);
    expect(await rowsOf(shop.db, "audit_missing_refunds('2000-01-01')")).toEqual([]);
    expect(await sweep(shop.db)).toMatchObject({ cancelled: 0 });
    expect(await rowsOf(shop.db, 'explain_order_timeout(?)', orderId)).toMatchObject([
      {
        step: 'answer',
        verdict: 'contradictory',
        detail:
          'The order has no time from which it could be counted: nobody cancels it by timeout.',
      },
      { step: 'order', verdict: 'pending' },
      { step: 'policy', verdict: 'times_out', detail: 'Source type 1 times out after 30 minutes.' },
      { step: 'finding', verdict: 'contradictory' },
    ]);
  });

  test('an order without a source type times out by default, as preview, numbers and explain say', async () => {
    const shop = await nullable();
    const { orderId } = await pendingOrder(shop, { coupon: 1000 });
    await shop.run('UPDATE orders SET source_type = NULL');
    await pendingOrder(shop, { sourceType: -1 });
    const excluded = await pendingOrder(shop, { sourceType: 3 });

    expect(await previewExpiredOrders(shop.db)).toMatchObject([
      { orderId: String(orderId), sourceType: null, couponRefund: '1000' },
      { sourceType: '-1' },
    ]);
    expect(await call(shop.db, 'order_timeout_numbers()')).toMatchObject({ due_orders: 2 });
    expect(await sweep(shop.db)).toMatchObject({ cancelled: 2 });
    expect(await shop.column('SELECT id FROM orders WHERE status = 1')).toEqual([excluded.orderId]);
    expect(await rowsOf(shop.db, 'explain_order_timeout(?)', orderId)).toContainEqual({
      step: 'policy',
      verdict: 'times_out',
      detail: expect.stringMatching(/^Source type NULL times out after 30 minutes: at /) as string,
    });
  });
});

test('an order whose entry in the journal was purged is still one of ours', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  await sweep(shop.db);
  await shop.run('UPDATE order_timeout_batch SET created_at = created_at - INTERVAL 91 DAY');
  await shop.run('UPDATE order_timeout_heartbeat SET purged_at = NULL');
  await sweep(shop.db);
  expect(await shop.run('SELECT * FROM order_timeout_cancellation')).toEqual([]);

  const [answer] = await rowsOf(shop.db, 'explain_order_timeout(?)', orderId);

  expect(answer).toMatchObject({
    verdict: 'cancelled',
    detail: expect.stringContaining('retention_days') as string,
  });
});
