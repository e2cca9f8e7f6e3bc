import { describe, expect, test } from 'vitest';
import { changesOf, order, pendingOrder, shopOfFile } from '../support';
import { configure, errorOf } from './calls';

const shop = shopOfFile();

const CHECK_VIOLATED = 3819;

describe('settings out of range are refused', () => {
  test.for([
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
    const check = `order_timeout_setting_${Object.keys(settings)[0] ?? ''}`;
    expect(await errorOf(configure(shop, settings))).toMatchObject({
      errno: CHECK_VIOLATED,
      message: expect.stringContaining(check) as string,
    });
  });

  test.for([
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
    expect(await errorOf(configure(shop, settings))).toBeUndefined();
  });

  test.for([
    'INSERT INTO order_timeout_setting (id) VALUES (2)',
    'UPDATE order_timeout_policy SET enabled = 2',
    'UPDATE order_timeout_policy SET timeout_minutes = 0',
    'UPDATE order_timeout_policy SET timeout_minutes = 525601',
  ])('so is %s', async (sql) => {
    expect(await errorOf(shop.run(sql))).toMatchObject({ errno: CHECK_VIOLATED });
  });
});

test.for([
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
])(
  'a clock that was changed in the setting alone is refused by %s, which says how it is changed',
  async (procedure) => {
    await pendingOrder(shop, { orderId: 10001, coupon: 1000 });
    await order(shop, { orderId: 10002, status: 'cancelled', coupon: 300 });
    await configure(shop, { clock: '+08:00' });

    const changed = await changesOf(shop, async () => {
      expect(await errorOf(shop.run(`CALL ${procedure}`))).toMatchObject({
        errno: 50006,
        message: `CLOCK_CHANGED: the setting clock is +08:00, the routines have ${shop.clock}: order-timeout up --clock +08:00`,
      });
    });

    expect(changed).toEqual({});
  },
);
