import { expect, test } from 'vitest';
import { couponLedgerRow, pendingOrder, pointsLedgerRow, type Shop, shopOfFile } from '../support';
import { call, rowsOf, sweep } from '../procedures/calls';
import { call as callIn, cancel, exampleOfFile, findings } from '../shops/example';

const shop = shopOfFile();
const emptyMall = exampleOfFile('mall');

const listed = () => rowsOf(shop.db, 'list_findings(10)');
const reconcile = () => call(shop.db, 'reconcile_orders(NULL)');
const reopen = () => shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');
/** By the shop's own code, which gives nothing back. */
const cancelByShop = () => shop.run('UPDATE orders SET status = 3, cancelled_at = NOW(3)');

test('a coupon taken anew for an order that was reopened, and lost by the shop’s own cancel, is a finding', async () => {
  const built = await pendingOrder(shop, { coupon: 1000 });
  await sweep(shop.db);
  await reopen();
  await couponLedgerRow(shop, { ...built, change: -1000, action: 'reserve' });
  await reconcile();
  expect((await listed()).map(({ what }) => what)).toEqual(['pending_after_refund']);
  await cancelByShop();
  await reconcile();
  expect(await listed()).toMatchObject([
    { what: 'second_take', target_id: built.couponId, amount: 1000, other_amount: 2000 },
  ]);
});

test('points taken anew, too', async () => {
  const built = await pendingOrder(shop, { points: 50 });
  await sweep(shop.db);
  await reopen();
  await pointsLedgerRow(shop, { ...built, points: -50, action: 'order_deduct' });
  await cancelByShop();
  await reconcile();
  expect(await listed()).toMatchObject([{ what: 'second_take', amount: 50, other_amount: 100 }]);
});

test('not when the shop’s own cancel gave back what it took anew, nor when it took nothing', async () => {
  const built = await pendingOrder(shop, { coupon: 1000, points: 50 });
  await sweep(shop.db);
  await reopen();
  await couponLedgerRow(shop, { ...built, change: -1000, action: 'reserve' });
  await couponLedgerRow(shop, { ...built, change: 1000, action: 'cancel_refund' });
  await cancelByShop();
  await reconcile();
  expect(await listed()).toEqual([]);
});

test('without a ledger a third take is a finding again, also when the second was settled', async () => {
  const mall = await emptyMall();
  await mall.run('INSERT INTO ums_member (id, integration) VALUES (7, 10)');
  await mall.run(
    `INSERT INTO oms_order (id, member_id, use_integration, status, order_type, receiver_name, receiver_phone, create_time, delete_status)
     VALUES (1, 7, 50, 0, 0, '', '', NOW() - INTERVAL 300 MINUTE, 0)`,
  );
  const again = async (inShop: Shop) => {
    await inShop.run('UPDATE oms_order SET status = 0');
    await inShop.run('UPDATE ums_member SET integration = integration - 50');
    await cancel(inShop, 1);
  };
  await cancel(mall, 1);
  await again(mall);
  expect(await findings(mall)).toEqual(['1: second_take points 0']);
  const [second] = await callIn<{ finding_id: number }>(mall, 'list_findings', 10);
  await callIn(mall, 'settle_finding', second?.finding_id, 'given by hand');
  await callIn(mall, 'reconcile_orders', null);
  expect(await findings(mall)).toEqual([]);
  await again(mall);
  expect(await findings(mall)).toEqual(['1: second_take points 0']);
});
