import { describe, expect, test } from 'vitest';
import { SHOP_TABLES } from '../../scripts/dev/shop';
import { changes, changesOf, createShop, pendingOrder, wholeState } from '../support';
import { cancelExpiredOrder, errorOf, sweep } from './calls';
import { cancelled } from './cancelled';
import { holding, stateOf } from './obstacles';
import { shopOfFile } from './shop-of-file';

// A function opens every table of all its branches before it runs a line, so any locked one stops it.

const freshShop = shopOfFile();

const LOCK_WAIT_TIMEOUT = { errno: 1205 };
const BACK = { coupons: [{ amount: 1000 }], points: 50 };
const WAITING = 'Waiting for table metadata lock';

describe.each(SHOP_TABLES)('while somebody has LOCK TABLES %s WRITE', (table) => {
  test('the sweep does nothing and fails no order; a call waits as long as its caller says; then it is done', async () => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const other = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const locker = await shop.connect();
    await locker.query(`LOCK TABLES ${table} WRITE`);
    const db = await shop.connect();
    await db.query('SET lock_wait_timeout = 1');
    const error = await errorOf(cancelExpiredOrder(db, order));
    const swept = await sweep(shop.db).catch((error: unknown) => error);
    await locker.query('UNLOCK TABLES');

    expect(error).toMatchObject(LOCK_WAIT_TIMEOUT);
    // Without the orders it cannot even see what is due.
    expect(swept).toMatchObject(
      table === 'orders' ? LOCK_WAIT_TIMEOUT : { outcome: 'completed', cancelled: 0, failed: 0 },
    );
    expect(await shop.run('SELECT * FROM order_timeout_failure')).toEqual([]);
    const changed = await changesOf(shop, async () => {
      expect(await cancelExpiredOrder(db, order)).toMatchObject({ outcome: 'cancelled' });
      expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 1 });
    });
    expect(changed).toEqual(
      cancelled(
        [
          { order, ...BACK },
          { order: other, ...BACK },
        ],
        2,
      ),
    );
  });
});

describe.each(SHOP_TABLES)('while an ALTER of %s waits for somebody', (table) => {
  test('calls queue behind it, and do their work on the altered table; the sweep puts it off', async () => {
    const shop = await createShop();
    const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const other = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const before = await wholeState(shop);
    // What was prepared before knows the table as it was.
    const db = await shop.connect();
    await cancelExpiredOrder(db, 4711);
    const reader = await holding(shop, [`SELECT COUNT(*) FROM ${table}`]);
    const admin = await shop.connect();
    const altered = admin.query(`ALTER TABLE ${table} ADD COLUMN noted INT NULL FIRST`);
    await stateOf(shop, admin, WAITING);

    const swept = await sweep(shop.db).catch((error: unknown) => error);
    const call = cancelExpiredOrder(db, order);
    await stateOf(shop, db, WAITING);
    await reader.query('COMMIT');
    await altered;

    expect(swept).toMatchObject(
      table === 'orders' ? LOCK_WAIT_TIMEOUT : { outcome: 'completed', cancelled: 0, failed: 0 },
    );
    expect(await call).toMatchObject({ outcome: 'cancelled', coupon_refunded: 1000 });
    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 1 });
    expect(changes(before, await wholeState(shop))).toEqual(
      cancelled(
        [
          { order, ...BACK },
          { order: other, ...BACK },
        ],
        2,
      ),
    );
  });
});
