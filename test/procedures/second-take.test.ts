import { expect, test } from 'vitest';
import { couponLedgerRow, pendingOrder, pointsLedgerRow, shopOfFile } from '../support';
import { call, rowsOf, sweep } from './calls';

const shop = shopOfFile();

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

test('what was settled once says nothing of a later take which no ledger row tells', async () => {
  await pendingOrder(shop, { coupon: 1000, couponIn: 'order_coupons' });
  await sweep(shop.db);
  for (const again of [1, 2]) {
    await reopen();
    await sweep(shop.db);
    const found = await listed();
    expect(found, `cancelled again, ${again}`).toMatchObject([
      { what: 'second_take', amount: 1000, other_amount: 0 },
    ]);
    await call(shop.db, 'settle_finding(?, NULL)', found[0]?.finding_id);
    await reconcile();
    expect(await listed()).toEqual([]);
  }
});
