import { expect, test } from 'vitest';
import { call, cancel, exampleOfFile, findings } from '../example';

// Of what is neither in a ledger nor in a row that names its order, nobody knows whether the shop's own cancel gave it
// back: a finding that nothing was given would have somebody give it a second time.

const shop = exampleOfFile('mall');

async function order(status: number): Promise<void> {
  await shop.run('INSERT INTO ums_member (id, integration) VALUES (7, 10)');
  await shop.run(
    `INSERT INTO oms_order (id, member_id, coupon_id, status, order_type, receiver_name, receiver_phone, create_time, delete_status)
     VALUES (1, 7, 9, ?, 0, '', '', NOW() - INTERVAL 300 MINUTE, 0)`,
    [status],
  );
  await shop.run(
    'INSERT INTO oms_order_item (order_id, product_sku_id, product_quantity) VALUES (1, 5, 3)',
  );
}

const reconcile = () => call(shop, 'reconcile_orders', null);

test('an order that the shop itself cancelled is not said to lack what it may have given back', async () => {
  await order(4);
  // mall has set the coupon free, and the SKU was deleted since.
  await shop.run(
    'INSERT INTO sms_coupon_history (id, coupon_id, member_id, use_status) VALUES (1, 9, 7, 0)',
  );
  await reconcile();
  expect(await findings(shop)).toEqual([]);
});

test('one that was cancelled here is, also when the entry in the journal is purged', async () => {
  await order(0);
  await cancel(shop, 1);
  await call(shop, 'cancel_expired_orders');
  const both = ['1: missing_target coupon 9', '1: missing_target stock 5'];
  expect(await findings(shop)).toEqual(both);
  await shop.run('DELETE FROM order_timeout_cancellation');
  await shop.run('DELETE FROM order_timeout_batch');
  await reconcile();
  expect(await findings(shop)).toEqual(both);
});

test('a pending one is, and no longer once the shop has found the row', async () => {
  await order(0);
  await reconcile();
  expect(await findings(shop)).toEqual(['1: missing_target coupon 9', '1: missing_target stock 5']);
  await shop.run(
    'INSERT INTO sms_coupon_history (id, coupon_id, member_id, use_status) VALUES (1, 9, 7, 1)',
  );
  await shop.run(
    "INSERT INTO pms_sku_stock (id, sku_code, stock, lock_stock) VALUES (5, '', 9, 3)",
  );
  await reconcile();
  expect(await findings(shop)).toEqual([]);
});

test('one of an order that was cancelled here is over when a person says so: what came back to nobody is not given later', async () => {
  await order(0);
  await cancel(shop, 1);
  await shop.run(
    "INSERT INTO pms_sku_stock (id, sku_code, stock, lock_stock) VALUES (5, '', 9, 3)",
  );
  await reconcile();
  expect(await findings(shop)).toContain('1: missing_target stock 5');
  expect(await call(shop, 'repair_missing_refund', 1)).toEqual([]);
  // Pending again, it will be given.
  await shop.run('UPDATE oms_order SET status = 0');
  await reconcile();
  expect(await findings(shop)).not.toContain('1: missing_target stock 5');
  await cancel(shop, 1);
  await call(shop, 'cancel_expired_orders');
  expect(await shop.run('SELECT lock_stock FROM pms_sku_stock')).toEqual([{ lock_stock: 0 }]);
});
