import { describe, expect, test } from 'vitest';
import {
  cancelExpiredOrder,
  type CancelExpiredOrderResult,
  cancelExpiredOrders,
  cancelOrder,
  cancelOrderAsAdmin,
} from '../../scripts';
import { changesOf, order, pendingOrder, type Shop, shopOfFile } from '../support';
import { hold } from '../procedures/calls';

const shop = shopOfFile();

const NOTHING = {
  couponRefunded: '0',
  pointsRefunded: '0',
  cancelledAt: null,
  expiresAt: null,
  returned: { coupon: '0', points: '0' },
};

test('an expired order is cancelled, says what came back and when, and needs nothing but EXECUTE', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const uri = await shop.createAccount(`EXECUTE ON PROCEDURE ${shop.name}.cancel_expired_order`);

  const before = Date.now();
  const result = await cancelExpiredOrder(await shop.connect({ uri }), orderId);

  expect(result).toEqual({
    orderId: String(orderId),
    outcome: 'cancelled',
    couponRefunded: '1000',
    pointsRefunded: '50',
    cancelledAt: expect.any(Date) as Date,
    expiresAt: null,
    returned: { coupon: '1000', points: '50' },
  });
  expect(Number(result.cancelledAt)).toBeGreaterThanOrEqual(before - 1);
  expect(Number(result.cancelledAt)).toBeLessThanOrEqual(Date.now() + 1);
});

/** An order for each outcome; that none is left out the compiler sees. */
const OUTCOMES: Record<
  CancelExpiredOrderResult['outcome'],
  (shop: Shop) => Promise<{ orderId: number }>
> = {
  cancelled: (shop) => pendingOrder(shop),
  not_found: () => Promise.resolve({ orderId: 1 }),
  not_pending: (shop) => order(shop, { status: 'paid', coupon: 1000 }),
  contradictory: async (shop) => {
    const built = await pendingOrder(shop, { coupon: 1000 });
    await shop.run("UPDATE orders SET created_at = '0999-12-31 23:59:59'");
    return built;
  },
  not_expired: (shop) => pendingOrder(shop, { coupon: 1000, ageMinutes: 29 }),
  excluded: (shop) => pendingOrder(shop, { coupon: 1000, sourceType: 3 }),
  on_hold: async (shop) => {
    const built = await pendingOrder(shop, { coupon: 1000 });
    await hold(shop, built);
    return built;
  },
};

test.for(Object.entries(OUTCOMES))('an order may be %s', async ([outcome, build]) => {
  const { orderId } = await build(shop);

  const result = await cancelExpiredOrder(shop.db, orderId);

  const isLater = ['not_expired', 'on_hold'].includes(outcome);
  expect(result).toEqual({
    ...NOTHING,
    orderId: String(orderId),
    outcome,
    ...(outcome === 'cancelled' && { cancelledAt: expect.any(Date) as Date }),
    ...(isLater && { expiresAt: expect.any(Date) as Date }),
  });
});

test('ids and amounts beyond 2^53 come and go unrounded, in JSON too', async () => {
  const orderId = String(2n ** 60n + 1n);
  const large = '9007199254740993';
  await pendingOrder(shop, { orderId: BigInt(orderId), coupon: 1000 });
  await shop.run('UPDATE order_coupons SET applied_amount = ?', [large]);

  const result = await cancelExpiredOrder(shop.db, orderId);

  expect(JSON.parse(JSON.stringify(result))).toMatchObject({
    orderId: '1152921504606846977',
    couponRefunded: large,
    cancelledAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
  });
  const again = await cancelExpiredOrder(shop.db, BigInt(orderId));
  expect(again).toMatchObject({ orderId, outcome: 'not_pending' });
});

test('a user cancels an order of their own, an admin anybody’s, however young it is', async () => {
  const { orderId, userId } = await pendingOrder(shop, { points: 50, ageMinutes: 1 });
  const remark = "changed 'my' mind \\ 😀";
  const other = await pendingOrder(shop, { ageMinutes: 1 });

  const changed = await changesOf(shop, async () => {
    const outcomes = [
      await cancelOrder(shop.db, orderId, { userId: userId + 1 }),
      await cancelOrder(shop.db, orderId, { userId, remark }),
      await cancelOrderAsAdmin(shop.db, other.orderId),
    ].map(({ outcome }) => outcome);
    expect(outcomes).toEqual(['not_owner', 'cancelled', 'cancelled']);
  });

  const causes = changed.order_timeout_cancellation?.map(({ cause }) => cause);
  expect(causes).toEqual(['user', 'admin']);
  expect(changed.user_points_ledger).toMatchObject([{ action: 'cancel_refund', remark }]);
});

describe('a sweep', () => {
  test('says what it did, and what it did not', async () => {
    await pendingOrder(shop, { coupon: 1000, points: 50 });
    await pendingOrder(shop, { coupon: 500, sourceType: 2 });
    await pendingOrder(shop, { coupon: 700, sourceType: 3 });

    expect(await cancelExpiredOrders(shop.db)).toEqual({
      runId: expect.stringMatching(/^\d+$/) as string,
      outcome: 'completed',
      cancelled: 2,
      couponRefunded: '1500',
      pointsRefunded: '50',
      failed: 0,
      durationMs: expect.any(Number) as number,
      returned: { coupon: '1500', points: '50' },
    });
    const idle = { runId: null, cancelled: 0 };
    expect(await cancelExpiredOrders(shop.db)).toMatchObject({ ...idle, outcome: 'completed' });
    await shop.run('UPDATE order_timeout_setting SET paused = 1');
    expect(await cancelExpiredOrders(shop.db)).toMatchObject({ ...idle, outcome: 'paused' });
  });

  test.for([
    { sql: 'START TRANSACTION', code: 'IN_TRANSACTION', errno: 50002 },
    { sql: 'DELETE FROM order_timeout_setting', code: 'SETTING_LOST', errno: 50003 },
  ])('after $sql has the error $code', async ({ sql, ...error }) => {
    const connection = await shop.connect();
    await connection.query(sql);

    await expect(cancelExpiredOrders(connection)).rejects.toMatchObject(error);
    expect((await connection.query('SELECT 1 AS alive'))[0]).toEqual([{ alive: 1 }]);
  });
});
