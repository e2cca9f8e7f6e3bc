import { expect, test } from 'vitest';
import { createShop, pendingOrder } from '../support';
import { call, rowsOf, sweep } from './calls';

test('a ledger row without an action is told like one that is not known, and can be listed', async () => {
  const shop = await createShop({
    schema: (sql) => sql.replaceAll('action VARCHAR(32) NOT NULL', 'action VARCHAR(32) NULL'),
  });
  const built = await pendingOrder(shop, { coupon: 1000, points: 50 });
  await shop.run(
    'INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action) VALUES (?, ?, 400, ?, NULL)',
    [built.userId, built.couponId, built.orderId],
  );
  await shop.run(
    "INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id) VALUES (?, NULL, 20, 'orders', ?)",
    [built.userId, built.orderId],
  );
  await call(shop.db, 'reconcile_orders(NULL)');
  expect(await rowsOf(shop.db, 'list_findings(10)')).toMatchObject([
    { what: 'unknown_action', kind: 'coupon', amount: 1000, other_amount: 400, detail: '' },
    { what: 'unknown_action', kind: 'points', amount: 50, other_amount: 20, detail: '' },
  ]);

  await shop.run(
    "INSERT INTO order_timeout_ledger_action (kind, action, meaning) VALUES ('coupon', '', 'other'), ('points', '', 'other')",
  );
  await call(shop.db, 'reconcile_orders(NULL)');
  expect(await rowsOf(shop.db, 'list_findings(10)')).toEqual([]);
  expect(await sweep(shop.db)).toMatchObject({ coupon_refunded: 1000, points_refunded: 50 });
});
