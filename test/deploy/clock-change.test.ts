import { expect, test } from 'vitest';
import { createShop, pendingOrder } from '../support';
import { call, rowsOf, sweep } from '../procedures/calls';
import { up } from '../../scripts/deploy';
import { deployedSource } from '../support/deploy';

test.each([
  ['+00:00', '+08:00'],
  ['+08:00', '-03:30'],
])(
  'a hold and a retry are of the same moment when the clock is changed from %s to %s',
  async (from, to) => {
    const shop = await createShop({ clock: from });
    const held = await pendingOrder(shop, { coupon: 1000 });
    const failed = await pendingOrder(shop, { coupon: 300 });
    await pendingOrder(shop, { coupon: 500 });
    await call(shop.db, 'hold_order(?, 60, NULL)', held.orderId);
    await shop.run(
      `CREATE TRIGGER refuse BEFORE UPDATE ON user_coupons FOR EACH ROW
         IF NEW.id = ${failed.couponId} THEN SIGNAL SQLSTATE '45000'; END IF`,
    );
    await sweep(shop.db);
    await shop.run('DROP TRIGGER refuse');
    const late = await pendingOrder(shop, { coupon: 500 });

    await shop.run('UPDATE orders SET created_at = CONVERT_TZ(created_at, ?, ?)', [from, to]);
    await up(shop.url, {
      clock: to,
      clockIsRight: true,
      source: await deployedSource({ event: false }),
    });
    await shop.run('SET time_zone = ?', [to]);

    expect(
      await rowsOf(shop.db, 'order_deadlines(?)', JSON.stringify([held.orderId])),
    ).toMatchObject([{ state: 'on_hold', clock: to }]);
    const [hold] = await shop.run<{ minutes: number }>(
      'SELECT ROUND(TIMESTAMPDIFF(SECOND, NOW(), held_until) / 60) AS minutes FROM order_timeout_hold',
    );
    expect(Number(hold?.minutes)).toBe(60);
    const [failure] = await shop.run<{ seconds: number }>(
      'SELECT TIMESTAMPDIFF(SECOND, NOW(), retry_at) AS seconds FROM order_timeout_failure',
    );
    expect(failure?.seconds).toBeGreaterThan(0);
    expect(failure?.seconds).toBeLessThanOrEqual(60);
    expect(await rowsOf(shop.db, 'order_timeout_health()')).toContainEqual(
      expect.objectContaining({ check_name: 'heartbeat', status: 'ok' }),
    );
    expect(await sweep(shop.db)).toMatchObject({ cancelled: 1, coupon_refunded: 500 });
    expect(await shop.column('SELECT status FROM orders WHERE id = ?', [late.orderId])).toEqual([
      3,
    ]);
    expect(await shop.column('SELECT clock FROM order_timeout_setting')).toEqual([to]);
  },
);

test('with neither hold nor failure the clock is changed all the same, and paused with it', async () => {
  const shop = await createShop();
  await up(shop.url, {
    clock: '+08:00',
    paused: true,
    clockIsRight: true,
    source: await deployedSource({ event: false }),
  });
  expect(await shop.run('SELECT clock, paused FROM order_timeout_setting')).toEqual([
    { clock: '+08:00', paused: 1 },
  ]);
});
