import { describe, expect, test } from 'vitest';
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
import { createShop, order, pendingOrder, shopOfFile } from '../support';
import { setAside } from '../procedures/calls';

const shop = shopOfFile();
const MINUTE_MS = 60_000;

describe.each(['+00:00', '+08:00', '-03:30'])('in a shop whose clock is %s', (clock) => {
  test('the preview lists what the next sweep does, oldest first, with instants', async () => {
    const shop = await createShop({ clock });
    const younger = await pendingOrder(shop, { ageMinutes: 40, points: 7 });
    const older = await pendingOrder(shop, { ageMinutes: 90, coupon: 1000, sourceType: 4 });
    await pendingOrder(shop, { ageMinutes: 5 });
    const connection = await shop.connect({ timezone: '+05:00' });
    await connection.query("SET time_zone = '-11:00'");

    const preview = await previewExpiredOrders(connection);

    expect(preview).toMatchObject([
      {
        ...{ orderId: String(older.orderId), userId: String(older.userId), sourceType: '4' },
        ...{ couponRefund: '1000', pointsRefund: '0' },
      },
      { orderId: String(younger.orderId), couponRefund: '0', pointsRefund: '7' },
    ]);
    const [first] = preview;
    expect(Math.abs(Date.now() - 90 * MINUTE_MS - Number(first?.createdAt))).toBeLessThan(20_000);
    expect(Math.abs(60 * 60 - (first?.overdueSeconds ?? 0))).toBeLessThan(20);
    expect(await previewExpiredOrders(shop.db, { limit: 1 })).toHaveLength(1);
  });

  test('the audit looks at orders placed since an instant; what it lists a repair gives back, once', async () => {
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
    expect(await repairMissingRefund(shop.db, lost.orderId)).toMatchObject([
      { kind: 'coupon', missing: '1000', given: '1000' },
    ]);
    expect(await repairMissingRefund(shop.db, lost.orderId)).toEqual([]);
    expect(await auditMissingRefunds(shop.db)).toEqual([]);
  });
});

test('explain answers for any order, the answer first', async () => {
  const { orderId } = await pendingOrder(shop, { ageMinutes: 5 });

  const [answer, ...facts] = await explainOrderTimeout(shop.db, orderId);

  expect(answer).toMatchObject({ step: 'answer', verdict: 'not_expired' });
  expect(facts.map(({ step }) => step)).toEqual(['order', 'policy']);
  expect(await explainOrderTimeout(shop.db, 404)).toMatchObject([{ verdict: 'not_found' }]);
});

test('an order on hold is not cancelled until its hold is released', async () => {
  const { orderId } = await pendingOrder(shop);
  const reason = "在收银台 '";

  expect(await holdOrder(shop.db, orderId, { minutes: 10, reason })).toEqual({
    orderId: String(orderId),
    outcome: 'held',
  });
  expect(await shop.run('SELECT reason FROM order_timeout_hold')).toEqual([{ reason }]);
  for (const [call, outcome] of [
    [() => cancelExpiredOrder(shop.db, orderId), 'on_hold'],
    [() => releaseOrderHold(shop.db, orderId), 'released'],
    [() => releaseOrderHold(shop.db, orderId), 'not_held'],
    [() => cancelExpiredOrder(shop.db, orderId), 'cancelled'],
    [() => holdOrder(shop.db, orderId, { minutes: 10 }), 'not_pending'],
    [() => holdOrder(shop.db, 404, { minutes: 10 }), 'not_found'],
  ] as const)
    expect(await call()).toMatchObject({ outcome });
});

test('an order that was set aside is tried again', async () => {
  const built = await pendingOrder(shop);
  await setAside(shop, built);

  expect(await retryFailedOrder(shop.db, built.orderId)).toEqual({
    orderId: String(built.orderId),
    outcome: 'retrying',
  });
  expect(await retryFailedOrder(shop.db, 404)).toMatchObject({ outcome: 'not_failed' });
});

test('health is as bad as its worst check', async () => {
  const { status, checks } = await orderTimeoutHealth(shop.db);

  // The event is off in the tests' shops.
  expect(status).toBe('fail');
  expect(checks.find(({ checkName }) => checkName === 'event')).toMatchObject({ status: 'fail' });
  expect(checks.find(({ checkName }) => checkName === 'index')).toMatchObject({ status: 'ok' });
});
