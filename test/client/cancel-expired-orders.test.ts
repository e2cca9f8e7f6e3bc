import { expect, test } from 'vitest';
import { cancelExpiredOrders } from '../../scripts';
import { createShop, pendingOrder } from '../support';

test('a sweep says what it did, and what it did not', async () => {
  const shop = await createShop();
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
  expect(await cancelExpiredOrders(shop.db)).toMatchObject({
    runId: null,
    outcome: 'completed',
    cancelled: 0,
  });
});

test('a paused sweep says so', async () => {
  const shop = await createShop();
  await shop.run('UPDATE order_timeout_setting SET paused = 1');

  expect(await cancelExpiredOrders(shop.db)).toMatchObject({ runId: null, outcome: 'paused' });
});

test('the sweep refuses to run in a transaction, and leaves it as it was', async () => {
  const shop = await createShop();
  const connection = await shop.connect();
  await connection.beginTransaction();

  await expect(cancelExpiredOrders(connection)).rejects.toMatchObject({
    code: 'IN_TRANSACTION',
    errno: 50002,
  });

  const [rows] = await connection.query('SELECT 1 AS alive');
  expect(rows).toEqual([{ alive: 1 }]);
});

test('settings that have lost their row have an error of their own', async () => {
  const shop = await createShop();
  await shop.run('DELETE FROM order_timeout_setting');

  await expect(cancelExpiredOrders(shop.db)).rejects.toMatchObject({
    code: 'SETTING_LOST',
    errno: 50003,
  });
});
