import type { Connection, RowDataPacket } from 'mysql2/promise';
import { beforeEach, describe, expect, test } from 'vitest';
import { previewExpiredOrders } from '../../scripts';
import { changesOf, createShop, order, pendingOrder, type Shop } from '../support';

let shop: Shop;
let db: Connection;
beforeEach(async () => {
  shop = await createShop();
  db = await shop.connect();
});

async function rows(sql: string, ...values: unknown[]): Promise<RowDataPacket[]> {
  const [sets] = await db.query<RowDataPacket[][]>(`CALL ${sql}`, values);
  return sets[0] ?? [];
}

describe('what is due', () => {
  beforeEach(async () => {
    await pendingOrder(shop, { ageMinutes: 90 });
    await pendingOrder(shop, { ageMinutes: 31, sourceType: 2 });
    await pendingOrder(shop, { ageMinutes: 29 });
  });

  test('is counted by the numbers, with the age of the oldest beyond its time', async () => {
    const [numbers] = await rows('order_timeout_numbers()');
    expect(numbers).toMatchObject({ due_orders: 2 });
    expect(numbers?.overdue_seconds).toBeGreaterThanOrEqual(3600);
    expect(numbers?.overdue_seconds).toBeLessThan(3900);
  });

  test('is told by the health', async () => {
    const backlog = (await rows('order_timeout_health()')).find(
      ({ check_name }) => check_name === 'backlog',
    );
    expect(backlog?.detail).toMatch(/^2 /);
  });
});

test('of the runs that failed the health tells the last error', async () => {
  await shop.run(
    `INSERT INTO order_timeout_run (started_at, outcome, error_number, error_message)
     VALUES (NOW(3), 'failed', 1, 'the first'), (NOW(3), 'failed', 2, 'a second, and last'),
            (NOW(3), 'interrupted', NULL, NULL), (NOW(3) - INTERVAL 25 HOUR, 'failed', 3, 'yesterday''s')`,
  );

  expect(await rows('order_timeout_health()')).toContainEqual({
    check_name: 'runs',
    status: 'warn',
    detail:
      '3 runs failed or were interrupted in the last 24 hours, last with: a second, and last.',
  });
});

test.each([2, null])('a repair of an order of status %s gives nothing', async (status) => {
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

test.each([
  'order_timeout_clock()',
  'order_timeout_health()',
  'order_timeout_numbers()',
  'audit_missing_refunds(NULL)',
  'explain_order_timeout(1)',
  'preview_expired_orders(1)',
])('without its settings the engine has no clock: %s says so', async (procedure) => {
  await shop.run('DELETE FROM order_timeout_setting');

  await expect(rows(procedure)).rejects.toMatchObject({ errno: 50003 });
});

describe('a procedure that fails leaves the time zone of the session as it was', () => {
  test.each([
    'audit_missing_refunds(NULL)',
    'explain_order_timeout(1)',
    'order_timeout_health()',
    'order_timeout_numbers()',
    'preview_expired_orders(1)',
  ])('%s', async (procedure) => {
    await db.query("SET time_zone = '-11:00'");
    await shop.run('RENAME TABLE orders TO elsewhere');

    await expect(rows(procedure)).rejects.toMatchObject({
      errno: expect.toBeOneOf([1146, 1356]) as number,
    });
    expect((await db.query('SELECT @@time_zone AS zone'))[0]).toEqual([{ zone: '-11:00' }]);
    await shop.run('RENAME TABLE elsewhere TO orders');
  });
});

describe('the feed', () => {
  beforeEach(async () => {
    const { orderId } = await pendingOrder(shop);
    await rows('cancel_expired_order(?)', orderId);
  });

  test('that cannot number its batches says so, and leaves lock and session as they were', async () => {
    await shop.run(
      `CREATE TRIGGER fault BEFORE UPDATE ON order_timeout_batch FOR EACH ROW
       SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no'`,
    );
    await db.query('SET sql_safe_updates = 1');
    await expect(rows('read_cancellations(0, 0, 10)')).rejects.toMatchObject({ errno: 1644 });
    expect((await db.query('SELECT @@sql_safe_updates AS safe'))[0]).toEqual([{ safe: 1 }]);

    await shop.run('DROP TRIGGER fault');
    expect(await shop.run('CALL read_cancellations(0, 0, 10)')).toMatchObject([
      [{ position: 1 }],
      {},
    ]);
  });

  test('refuses a place that this database never gave, as after a restore', async () => {
    expect(await rows('read_cancellations(0, 0, 10)')).toMatchObject([{ position: 1 }]);

    expect(await rows('read_cancellations(1, 999999, 10)')).toEqual([]);
    await expect(rows('read_cancellations(2, 0, 10)')).rejects.toMatchObject({
      errno: 50004,
      message: expect.stringContaining('the last position here is 1') as string,
    });
  });

  test('waits ten seconds for another reader, and then says that it is busy', async () => {
    const another = await shop.connect();
    await another.query(
      "DO GET_LOCK(CONCAT('order_timeout_feed:', LEFT(SHA2(DATABASE(), 256), 40)), 0)",
    );

    await expect(rows('read_cancellations(0, 0, 10)')).rejects.toMatchObject({ errno: 50005 });
  });
});

test('what the shop took anew after its own refund is a finding, and nobody gives it back', async () => {
  const { orderId, userId, couponId } = await order(shop, {
    status: 'cancelled',
    coupon: 1000,
    couponStatus: 'used up',
  });
  for (const [change, action] of [
    [1000, 'refund'],
    [-1000, 'reserve'],
  ] as const) {
    await shop.run(
      'INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action) VALUES (?)',
      [[userId, couponId, change, orderId, action]],
    );
  }

  expect(await rows('audit_missing_refunds(NULL)')).toEqual([]);
  await rows('reconcile_orders(NULL)');
  const found = await rows('list_findings(10)');
  // What order_coupons says was taken, what the ledger says, and that its action is not known.
  expect(found).toMatchObject([
    { order_id: orderId, what: 'ledger_differs', amount: 1000, other_amount: 2000 },
    { order_id: orderId, what: 'unknown_action' },
  ]);
  expect(await rows('repair_missing_refund(?)', orderId)).toEqual([]);
});

test('the audit of all lists orders without a time too; the audit since some time can’t', async () => {
  await shop.run('ALTER TABLE orders MODIFY created_at DATETIME(3) NULL');
  const { orderId } = await order(shop, { status: 'cancelled', coupon: 1000 });
  await shop.run('UPDATE orders SET created_at = NULL');

  expect(await rows('audit_missing_refunds(NULL)')).toMatchObject([
    { order_id: orderId, missing: 1000 },
  ]);
  expect(await rows("audit_missing_refunds('2000-01-01')")).toEqual([]);
});

describe('an order without a source type', () => {
  beforeEach(async () => {
    await shop.run('ALTER TABLE orders MODIFY source_type INT NULL');
  });

  test('times out by default, as the preview and the numbers say', async () => {
    const without = await pendingOrder(shop, { coupon: 1000 });
    await shop.run('UPDATE orders SET source_type = NULL');
    const negative = await pendingOrder(shop, { sourceType: -1 });
    const excluded = await pendingOrder(shop, { sourceType: 3 });

    expect(await rows('preview_expired_orders(10)')).toMatchObject([
      { order_id: without.orderId, source_type: null, coupon_refund: 1000 },
      { order_id: negative.orderId },
    ]);
    expect(await rows('order_timeout_numbers()')).toMatchObject([{ due_orders: 2 }]);
    expect(await previewExpiredOrders(db)).toMatchObject([
      { sourceType: null },
      { sourceType: '-1' },
    ]);
    expect(await rows('cancel_expired_orders()')).toMatchObject([{ cancelled: 2 }]);
    expect(await shop.run('SELECT id FROM orders WHERE status = 1')).toEqual([
      { id: excluded.orderId },
    ]);
    expect(await rows('explain_order_timeout(?)', without.orderId)).toContainEqual({
      step: 'policy',
      verdict: 'times_out',
      detail: expect.stringMatching(/^Source type NULL times out after 30 minutes: at /) as string,
    });
  });
});

test('an order without a time never times out, and explain says so', async () => {
  const { orderId } = await pendingOrder(shop);
  await shop.run('ALTER TABLE orders MODIFY created_at DATETIME(3) NULL');
  await shop.run('UPDATE orders SET created_at = NULL');

  expect(await rows('cancel_expired_orders()')).toMatchObject([{ cancelled: 0 }]);
  expect(await rows('explain_order_timeout(?)', orderId)).toMatchObject([
    {
      step: 'answer',
      verdict: 'contradictory',
      detail: 'The order has no time from which it could be counted: nobody cancels it by timeout.',
    },
    { step: 'order', verdict: 'pending' },
    { step: 'policy', verdict: 'times_out', detail: 'Source type 1 times out after 30 minutes.' },
    { step: 'finding', verdict: 'contradictory' },
  ]);
});

test('what was returned, or taken twice before it was returned, is not called taken anew', async () => {
  const { orderId, userId, couponId } = await order(shop, {
    status: 'cancelled',
    coupon: 1000,
    couponStatus: 'used up',
  });
  for (const [change, action] of [
    [-1000, 'usage'],
    [1000, 'timeout_refund'],
  ] as const)
    await shop.run(
      'INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action) VALUES (?)',
      [[userId, couponId, change, orderId, action]],
    );

  expect(await rows('audit_missing_refunds(NULL)')).toEqual([]);
});

test('an order whose entry in the journal was purged is still one of ours', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  await rows('cancel_expired_orders()');
  await shop.run('UPDATE order_timeout_batch SET created_at = created_at - INTERVAL 91 DAY');
  await shop.run('UPDATE order_timeout_heartbeat SET purged_at = NULL');
  await rows('cancel_expired_orders()');
  expect(await shop.run('SELECT * FROM order_timeout_cancellation')).toEqual([]);

  const [answer] = await rows('explain_order_timeout(?)', orderId);

  expect(answer).toMatchObject({
    verdict: 'cancelled',
    detail: expect.stringContaining('retention_days') as string,
  });
});
