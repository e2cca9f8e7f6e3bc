import { describe, expect, test } from 'vitest';
import { changesOf, order, pendingOrder } from '../support';
import { configure, errorOf } from './calls';
import { shopOfFile } from './shop-of-file';

const freshShop = shopOfFile();

const CHECK_VIOLATED = 3819;

describe('settings out of range are refused', () => {
  test.each([
    { default_timeout_minutes: 0 },
    { default_timeout_minutes: 525_601 },
    { batch_size: 0 },
    { batch_size: 10_001 },
    { time_budget_seconds: 0 },
    { time_budget_seconds: 56 },
    { clock: '+8:00' },
    { clock: '+14:01' },
    { clock: '-14:00' },
    { clock: '+08:60' },
    { clock: '+08:01' },
    { clock: 'SYSTEM' },
    { paused: 2 },
    { max_attempts: 0 },
    { max_attempts: 101 },
    { retention_days: 0 },
    { retention_days: 36_501 },
    { reconcile_days: 366 },
  ])('%o', async (settings) => {
    const shop = await freshShop();

    expect(await errorOf(configure(shop, settings))).toMatchObject({
      errno: CHECK_VIOLATED,
      message: expect.stringContaining(
        `order_timeout_setting_${Object.keys(settings)[0] ?? ''}`,
      ) as string,
    });
  });

  test.each([
    { default_timeout_minutes: 1 },
    { default_timeout_minutes: 525_600 },
    { batch_size: 10_000 },
    { time_budget_seconds: 55 },
    { clock: '-13:45' },
    { clock: '+05:45' },
    { clock: '+14:00' },
    { max_attempts: 100 },
    { retention_days: 36_500 },
  ])('and within it taken: %o', async (settings) => {
    const shop = await freshShop();

    expect(await errorOf(configure(shop, settings))).toBeUndefined();
  });

  test('there is one row, and no second', async () => {
    const shop = await freshShop();

    expect(
      await errorOf(shop.run('INSERT INTO order_timeout_setting (id) VALUES (2)')),
    ).toMatchObject({ errno: CHECK_VIOLATED });
  });

  test.each(['enabled = 2', 'timeout_minutes = 0', 'timeout_minutes = 525601'])(
    'of a policy too: %s',
    async (setting) => {
      const shop = await freshShop();

      expect(await errorOf(shop.run(`UPDATE order_timeout_policy SET ${setting}`))).toMatchObject({
        errno: CHECK_VIOLATED,
      });
    },
  );
});

describe('a clock that was changed in the setting alone', () => {
  const CALLS = [
    'cancel_expired_order(10001)',
    "cancel_order_as_admin(10001, 'x')",
    'cancel_expired_orders()',
    'repair_missing_refund(10002)',
    "hold_order(10001, 5, 'x')",
    "accept_payment(10001, 'x')",
    'preview_expired_orders(10)',
    'order_deadlines(JSON_ARRAY(10001))',
    'audit_missing_refunds(NULL)',
    'reconcile_orders(NULL)',
    'order_timeout_health()',
  ];

  test.each(CALLS)('is refused by %s, which says how it is changed', async (call) => {
    const shop = await freshShop();
    await pendingOrder(shop, { orderId: 10001, coupon: 1000 });
    await order(shop, { orderId: 10002, status: 'cancelled', coupon: 300 });
    await configure(shop, { clock: '+08:00' });

    const changed = await changesOf(shop, async () => {
      expect(await errorOf(shop.run(`CALL ${call}`))).toMatchObject({
        errno: 50006,
        message: `CLOCK_CHANGED: the setting clock is +08:00, the routines have ${shop.clock}: order-timeout up --clock +08:00`,
      });
    });

    expect(changed).toEqual({});
  });
});
