import { expect, test } from 'vitest';
import { cancelOrder, errorOf } from '../procedures/calls';
import { holding } from '../procedures/obstacles';
import { createShop, pendingOrder } from '../support';

test('where a lock wait timeout undoes a whole transaction, a call whose finding waits in vain does not say that it cancelled', async () => {
  const shop = await createShop({ settings: { 'innodb-rollback-on-timeout': 'ON' } });
  const order = await pendingOrder(shop, { points: 50 });
  await cancelOrder(shop.db, order);
  // Cancelled again, it has a second take, and somebody holds its finding.
  await shop.run('UPDATE orders SET status = 1');
  const holder = await holding(
    shop,
    "INSERT INTO order_timeout_finding (order_id, kind, what, opened_at) VALUES (?, 'points', 'second_take', NOW())",
    [order.orderId],
  );
  const caller = await shop.connect();
  await caller.query('SET innodb_lock_wait_timeout = 1');
  await caller.beginTransaction();

  expect(await errorOf(cancelOrder(caller, order))).toMatchObject({ errno: 1205 });

  await holder.rollback();
  expect(await cancelOrder(caller, order)).toMatchObject({ outcome: 'cancelled' });
  await caller.commit();
  expect(await shop.column('SELECT status FROM orders')).toEqual([3]);
}, 180_000);
