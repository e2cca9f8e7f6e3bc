import type { Pool } from 'mysql2/promise';
import { expect, test } from 'vitest';
import {
  auditMissingRefunds,
  cancelExpiredOrder,
  explainOrderTimeout,
  holdOrder,
  orderTimeoutHealth,
  previewExpiredOrders,
  releaseOrderHold,
  repairMissingRefund,
  retryFailedOrder,
} from '../../scripts';
import { createShop, order, pendingOrder } from '../support';

const MINUTE_MS = 60_000;

test.each(['+00:00', '+08:00', '-03:30'])(
  'the preview lists what the next sweep does, oldest first, with instants, in a shop whose clock is %s',
  async (clock) => {
    const shop = await createShop({ clock });
    const younger = await pendingOrder(shop, { ageMinutes: 40, points: 7 });
    const older = await pendingOrder(shop, { ageMinutes: 90, coupon: 1000, sourceType: 4 });
    await pendingOrder(shop, { ageMinutes: 5 });
    const connection = await shop.connect({ timezone: '+05:00' });
    await connection.query("SET time_zone = '-11:00'");

    const preview = await previewExpiredOrders(connection);

    expect(preview).toMatchObject([
      { orderId: String(older.orderId), userId: String(older.userId), sourceType: '4' },
      { orderId: String(younger.orderId), couponRefund: '0', pointsRefund: '7' },
    ]);
    expect(preview[0]).toMatchObject({ couponRefund: '1000', pointsRefund: '0' });
    const [first] = preview;
    expect(Math.abs(Date.now() - 90 * MINUTE_MS - Number(first?.createdAt))).toBeLessThan(20_000);
    expect(Math.abs(60 * 60 - (first?.overdueSeconds ?? 0))).toBeLessThan(20);
    expect(await previewExpiredOrders(shop.db, { limit: 1 })).toHaveLength(1);
  },
);

test('explain answers for any order, the answer first', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop, { ageMinutes: 5 });

  const [answer, ...facts] = await explainOrderTimeout(shop.db, orderId);

  expect(answer).toMatchObject({ step: 'answer', verdict: 'not_expired' });
  expect(facts.map(({ step }) => step)).toEqual(['order', 'policy']);
  expect(await explainOrderTimeout(shop.db, 404)).toMatchObject([{ verdict: 'not_found' }]);
});

test.each(['+00:00', '+08:00', '-03:30'])(
  'the audit looks at orders placed since an instant, in a shop whose clock is %s',
  async (clock) => {
    const shop = await createShop({ clock });
    const lost = await order(shop, { status: 'cancelled', coupon: 1000, ageMinutes: 60 });

    const audit = (minutes: number) =>
      auditMissingRefunds(shop.db, { since: new Date(Date.now() - minutes * MINUTE_MS) });

    expect(await audit(61)).toEqual([
      {
        orderId: String(lost.orderId),
        userId: String(lost.userId),
        kind: 'coupon',
        targetId: String(lost.couponId),
        taken: '1000',
        returned: '0',
        missing: '1000',
        source: 'order_coupons',
      },
    ]);
    expect(await audit(59)).toEqual([]);
    expect(await auditMissingRefunds(shop.db)).toHaveLength(1);
  },
);

test('a repair gives back what is missing, once', async () => {
  const shop = await createShop();
  const { orderId } = await order(shop, { status: 'cancelled', coupon: 1000, points: 3 });

  expect(await repairMissingRefund(shop.db, orderId)).toMatchObject([
    { kind: 'coupon', missing: '1000', given: '1000' },
    { kind: 'points', missing: '3', given: '3' },
  ]);
  expect(await repairMissingRefund(shop.db, orderId)).toEqual([]);
  expect(await auditMissingRefunds(shop.db)).toEqual([]);
});

test('an order on hold is not cancelled until its hold is released', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop);

  expect(await holdOrder(shop.db, orderId, { minutes: 10, reason: "在收银台 '" })).toEqual({
    orderId: String(orderId),
    outcome: 'held',
  });
  expect(await shop.run('SELECT reason FROM order_timeout_hold')).toEqual([
    { reason: "在收银台 '" },
  ]);
  expect(await cancelExpiredOrder(shop.db, orderId)).toMatchObject({ outcome: 'on_hold' });
  expect(await releaseOrderHold(shop.db, orderId)).toMatchObject({ outcome: 'released' });
  expect(await releaseOrderHold(shop.db, orderId)).toMatchObject({ outcome: 'not_held' });
  expect(await cancelExpiredOrder(shop.db, orderId)).toMatchObject({ outcome: 'cancelled' });
  expect(await holdOrder(shop.db, orderId, { minutes: 10 })).toMatchObject({
    outcome: 'not_pending',
  });
  expect(await holdOrder(shop.db, 404, { minutes: 10 })).toMatchObject({ outcome: 'not_found' });
});

test('an order that was set aside is tried again', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop);
  await shop.run(
    `INSERT INTO order_timeout_failure
            (order_id, attempts, first_failed_at, last_failed_at, error_number, error_state, error_message)
     VALUES (?, 5, NOW(3), NOW(3), 1264, '22003', 'Out of range')`,
    [orderId],
  );

  expect(await retryFailedOrder(shop.db, orderId)).toEqual({
    orderId: String(orderId),
    outcome: 'retrying',
  });
  expect(await retryFailedOrder(shop.db, 404)).toMatchObject({ outcome: 'not_failed' });
});

test('health is as bad as its worst check', async () => {
  const shop = await createShop();

  const { status, checks } = await orderTimeoutHealth(shop.db);

  // The event is off in the tests' shops.
  expect(status).toBe('fail');
  expect(checks.find(({ checkName }) => checkName === 'event')).toMatchObject({ status: 'fail' });
  expect(checks.find(({ checkName }) => checkName === 'index')).toMatchObject({ status: 'ok' });
});

test.each<[string, (db: Pool) => Promise<unknown>, string]>([
  ['hold 0', (db) => holdOrder(db, 0, { minutes: 1 }), 'INVALID_ID'],
  ['hold 1.5', (db) => holdOrder(db, 1, { minutes: 1.5 }), 'INVALID_ARGUMENT'],
  ['hold 10081', (db) => holdOrder(db, 1, { minutes: 10081 }), 'INVALID_NUMBER'],
  ['hold 2^40', (db) => holdOrder(db, 1, { minutes: 2 ** 40 }), 'INVALID_ARGUMENT'],
  ['hold ""', (db) => holdOrder(db, 1, { minutes: '5' as never }), 'INVALID_ARGUMENT'],
  [
    'a long reason',
    (db) => holdOrder(db, 1, { minutes: 5, reason: 'x'.repeat(256) }),
    'INVALID_ARGUMENT',
  ],
  ['release -1', (db) => releaseOrderHold(db, -1), 'INVALID_ID'],
  ['retry NaN', (db) => retryFailedOrder(db, NaN), 'INVALID_ID'],
  ['explain 0', (db) => explainOrderTimeout(db, 0), 'INVALID_ID'],
  ['repair null', (db) => repairMissingRefund(db, null as never), 'INVALID_ID'],
  ['preview 0', (db) => previewExpiredOrders(db, { limit: 0 }), 'INVALID_NUMBER'],
  [
    'audit Invalid Date',
    (db) => auditMissingRefunds(db, { since: new Date('x') }),
    'INVALID_ARGUMENT',
  ],
])('what cannot be meant is refused: %s', async (_name, call, code) => {
  const shop = await createShop();

  await expect(call(shop.db)).rejects.toMatchObject({ name: 'OrderTimeoutError', code });
});
