import { describe, expect, test } from 'vitest';
import { SHOP_TABLES } from '../../scripts/dev/shop';
import { changes, createShop, pendingOrder, type Shop, shopOfFile, wholeState } from '../support';
import { cancelExpiredOrder, errorOf, sweep } from './calls';
import { cancelled } from './cancelled';
import { holding, stateOf } from './obstacles';

// A function opens every table of all its branches before it runs a line, so any locked one stops it.

const shop = shopOfFile();

const LOCK_WAIT_TIMEOUT = { errno: 1205 };
const WAITING = 'Waiting for table metadata lock';

async function twoOrders(shop: Shop) {
  const given = { coupon: 1000, points: 50 };
  return [await pendingOrder(shop, given), await pendingOrder(shop, given)] as const;
}

describe.for(SHOP_TABLES)('of %s', (table) => {
  /** Without the orders a sweep cannot even see what is due; the locks of other tables fail no order. */
  const SWEPT_NOTHING =
    table === 'orders' ? LOCK_WAIT_TIMEOUT : { outcome: 'completed', cancelled: 0, failed: 0 };
  const sweptWhileLocked = (shop: Shop) => sweep(shop.db).catch((error: unknown) => error);

  test('a LOCK TABLES … WRITE: the sweep does nothing; a call waits as long as its caller says; then both do their work', async () => {
    const orders = await twoOrders(shop);
    const before = await wholeState(shop);
    const locker = await shop.connect();
    await locker.query(`LOCK TABLES ${table} WRITE`);
    const db = await shop.connect();
    await db.query('SET lock_wait_timeout = 1');
    const error = await errorOf(cancelExpiredOrder(db, orders[0]));
    const swept = await sweptWhileLocked(shop);
    await locker.query('UNLOCK TABLES');

    expect(error).toMatchObject(LOCK_WAIT_TIMEOUT);
    expect(swept).toMatchObject(SWEPT_NOTHING);
    expect(await shop.run('SELECT * FROM order_timeout_failure')).toEqual([]);
    expect(await cancelExpiredOrder(db, orders[0])).toMatchObject({ outcome: 'cancelled' });
    await expectAllDone(shop, before, orders);
  });

  test('an ALTER that waits for somebody: calls queue behind it and do their work on the altered table; the sweep puts it off', async () => {
    const shop = await createShop();
    const orders = await twoOrders(shop);
    const before = await wholeState(shop);
    // What was prepared before knows the table as it was.
    const db = await shop.connect();
    await cancelExpiredOrder(db, 4711);
    const reader = await holding(shop, `SELECT COUNT(*) FROM ${table}`);
    const admin = await shop.connect();
    const altered = admin.query(`ALTER TABLE ${table} ADD COLUMN noted INT NULL FIRST`);
    await stateOf(shop, admin, WAITING);

    const swept = await sweptWhileLocked(shop);
    const call = cancelExpiredOrder(db, orders[0]);
    await stateOf(shop, db, WAITING);
    await reader.query('COMMIT');
    await altered;

    expect(swept).toMatchObject(SWEPT_NOTHING);
    expect(await call).toMatchObject({ outcome: 'cancelled', coupon_refunded: 1000 });
    await expectAllDone(shop, before, orders);
  });
});

async function expectAllDone(
  shop: Shop,
  before: Awaited<ReturnType<typeof wholeState>>,
  orders: Awaited<ReturnType<typeof twoOrders>>,
): Promise<void> {
  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 1 });
  const back = { coupons: [{ amount: 1000 }], points: 50 };
  const both = orders.map((order) => ({ order, ...back }));
  expect(changes(before, await wholeState(shop))).toEqual(cancelled(both, 2));
}
