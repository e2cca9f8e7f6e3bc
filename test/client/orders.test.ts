import { expect, test } from 'vitest';
import {
  cancelExpiredOrder,
  type CancelExpiredOrderResult,
  cancelExpiredOrders,
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
  expect(await shop.column('SELECT cancelled_at = ? FROM orders', [result.cancelledAt])).toEqual([
    1,
  ]);
});

/** An order for each outcome; that none is left out the compiler sees. */
const OUTCOMES: Record<
  CancelExpiredOrderResult['outcome'],
  (shop: Shop) => Promise<{ orderId: number }>
> = {
  cancelled: (shop) => pendingOrder(shop),
  not_found: () => Promise.resolve({ orderId: 1 }),
  not_pending: (shop) => order(shop, { status: 'cancelled', coupon: 1000, points: 50 }),
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

test.for(Object.entries(OUTCOMES))(
  'an order may be %s; then nothing is changed, unless it is cancelled',
  async ([outcome, build]) => {
    const { orderId } = await build(shop);
    let result: unknown;

    const changed = await changesOf(shop, async () => {
      result = await cancelExpiredOrder(shop.db, orderId);
    });

    if (outcome !== 'cancelled') expect(changed).toEqual({});
    const isLater = ['not_expired', 'on_hold'].includes(outcome);
    expect(result).toEqual({
      ...NOTHING,
      orderId: String(orderId),
      outcome,
      ...(outcome === 'cancelled' && { cancelledAt: expect.any(Date) as Date }),
      ...(isLater && { expiresAt: expect.any(Date) as Date }),
    });
  },
);

test('ids and amounts beyond 2^53 come and go unrounded, in JSON too', async () => {
  const orderId = String(2n ** 60n + 1n);
  const large = '9007199254740993';
  await pendingOrder(shop, { orderId: BigInt(orderId), coupon: 1000, points: 50 });
  await shop.run('UPDATE order_coupons SET applied_amount = ?', [large]);

  const result = await cancelExpiredOrder(shop.db, orderId);

  expect(JSON.parse(JSON.stringify(result))).toMatchObject({
    orderId: '1152921504606846977',
    couponRefunded: large,
    cancelledAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
  });
  expect(await shop.column('SELECT DISTINCT order_id FROM order_timeout_refund')).toEqual([
    orderId,
  ]);
  const ledger = "SELECT ref_id FROM user_points_ledger WHERE action = 'timeout_refund'";
  expect(await shop.column(ledger)).toEqual([orderId]);
  const again = await cancelExpiredOrder(shop.db, BigInt(orderId));
  expect(again).toMatchObject({ orderId, outcome: 'not_pending' });
});

test('a sweep says what it did, and what it did not', async () => {
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
