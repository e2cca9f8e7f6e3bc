import type { Connection, RowDataPacket } from 'mysql2/promise';
import { beforeEach, describe, expect, test } from 'vitest';
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

test('a repair of an order that is not cancelled gives nothing', async () => {
  const { orderId } = await order(shop, { status: 'paid', coupon: 1000, points: 50 });

  expect(
    await changesOf(shop, async () => {
      expect(await rows('repair_missing_refund(?)', orderId)).toEqual([]);
    }),
  ).toEqual({});
});

test('without its settings the engine has no clock to tell', async () => {
  await shop.run('DELETE FROM order_timeout_setting');

  await expect(rows('order_timeout_clock()')).rejects.toMatchObject({ errno: 50003 });
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

  test('waits ten seconds for another reader, and then says that it is busy', async () => {
    const another = await shop.connect();
    await another.query(
      "DO GET_LOCK(CONCAT('order_timeout_feed:', LEFT(SHA2(DATABASE(), 256), 40)), 0)",
    );

    await expect(rows('read_cancellations(0, 0, 10)')).rejects.toMatchObject({ errno: 50005 });
  });
});
