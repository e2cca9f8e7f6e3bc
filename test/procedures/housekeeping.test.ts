import { describe, expect, test } from 'vitest';
import { pendingOrder, type Shop } from '../support';
import { cancelExpiredOrder, configure, errorOf, rowOf, sweep } from './calls';
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

describe('after retention_days', () => {
  async function age(shop: Shop, days: number): Promise<void> {
    await shop.run('UPDATE order_timeout_run SET started_at = started_at - INTERVAL ? DAY', [days]);
    await shop.run('UPDATE order_timeout_batch SET created_at = created_at - INTERVAL ? DAY', [
      days,
    ]);
    await shop.run(
      'UPDATE order_timeout_cancellation SET cancelled_at = cancelled_at - INTERVAL ? DAY',
      [days],
    );
  }

  async function kept(shop: Shop): Promise<Record<string, unknown>> {
    return rowOf(
      shop,
      `SELECT (SELECT COUNT(*) FROM order_timeout_run) AS runs,
              (SELECT COUNT(*) FROM order_timeout_batch) AS batches,
              (SELECT COUNT(*) FROM order_timeout_cancellation) AS cancellations,
              (SELECT COUNT(*) FROM order_timeout_refund) AS refunds`,
    );
  }

  test('runs and cancellations are purged, refunds never', async () => {
    const shop = await freshShop();
    await configure(shop, { retention_days: 10 });
    await pendingOrder(shop, { coupon: 1000, points: 50 });
    await sweep(shop.db);

    await age(shop, 9);
    await sweep(shop.db);
    expect(await kept(shop)).toEqual({ runs: 1, batches: 1, cancellations: 1, refunds: 2 });

    await age(shop, 2);
    await sweep(shop.db);
    expect(await kept(shop)).toEqual({ runs: 0, batches: 0, cancellations: 0, refunds: 2 });
  });

  test('nothing comes back twice though the journal’s batch is gone', async () => {
    const shop = await freshShop();
    const { couponId } = await pendingOrder(shop, { coupon: 1000 });
    await sweep(shop.db);
    await age(shop, 100);
    await sweep(shop.db);
    await shop.run('DELETE FROM user_coupon_ledger');
    await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');

    expect(await sweep(shop.db)).toMatchObject({ cancelled: 1, coupon_refunded: 0 });

    expect(
      await rowOf(shop, 'SELECT balance_amount FROM user_coupons WHERE id = ?', [couponId]),
    ).toEqual({ balance_amount: 1000 });
  });

  test('a half-done call is not purged before it is completed, and keeps no later one from it', async () => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { coupon: 1000 });
    await sweep(shop.db);
    await shop.run('UPDATE order_timeout_batch SET settled = 0');
    await shop.run('UPDATE orders SET status = 2');
    for (let n = 0; n < 20; n++) await cancelExpiredOrder(shop.db, await pendingOrder(shop));
    await age(shop, 100);

    for (let n = 0; n < 3; n++) await sweep(shop.db);

    expect(await kept(shop)).toMatchObject({ batches: 1, refunds: 1 });
    expect(order.couponId).toBeGreaterThan(0);
  });

  test('a long history goes in small steps, and young rows stay', async () => {
    const shop = await freshShop();
    await shop.run(
      `INSERT INTO order_timeout_run (started_at, finished_at, outcome)
       WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 250)
       SELECT NOW(3) - INTERVAL 100 DAY, NOW(3) - INTERVAL 100 DAY, 'completed' FROM n`,
    );
    await pendingOrder(shop);
    await sweep(shop.db);
    const runs: unknown[] = [(await kept(shop)).runs];
    for (let n = 0; n < 2; n++) {
      await sweep(shop.db);
      runs.push((await kept(shop)).runs);
    }

    expect(runs).toEqual([151, 51, 1]);
    expect((await kept(shop)).cancellations).toBe(1);
  });
});
