import type { Connection } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import { cancelExpiredOrder as cancelByWrapper } from '../../scripts';
import { changesOf, pendingOrder, type Shop, shopOfFile } from '../support';
import { cancelExpiredOrder, cancelOrder, errorOf, rowsOf, sweep } from './calls';
import { cancelled } from './cancelled';
import { failWhen } from './obstacles';

// Deadlocks and lock waits: test/faults/lock-conflicts.test.ts and locks.test.ts.

const shop = shopOfFile();

/** How a caller begins a transaction, and how it commits and undoes it. */
const TRANSACTIONS: Record<
  string,
  (shop: Shop) => { begin: string; commit: string[]; undo: string[] }
> = {
  'START TRANSACTION': () => ({
    begin: 'START TRANSACTION',
    commit: ['COMMIT'],
    undo: ['ROLLBACK'],
  }),
  'autocommit = 0': () => ({ begin: 'SET autocommit = 0', commit: ['COMMIT'], undo: ['ROLLBACK'] }),
  XA: ({ name }) => ({
    begin: `XA START '${name}'`,
    commit: [`XA END '${name}'`, `XA COMMIT '${name}' ONE PHASE`],
    undo: [`XA END '${name}'`, `XA ROLLBACK '${name}'`],
  }),
};

async function run(db: Connection, statements: readonly string[]): Promise<void> {
  for (const sql of statements) await db.query(sql);
}

/** What the caller did before the call, of which nothing may be lost and nothing committed. */
const CALLERS_WORK = 'INSERT INTO user_coupons (id, user_id, balance_amount) VALUES (1, 1, 10)';
const CALLERS_ROW = {
  ...{ id: 1, user_id: 1, status: 1, balance_amount: 10 },
  ...{ used_order_id: null, has_used_at: 0 },
};

test('outside a transaction the call has committed when it answers, and has none open', async () => {
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const db = await shop.connect();

  const changed = await changesOf(shop, () => cancelByWrapper(db, order.orderId));

  expect(changed).toEqual(cancelled({ order, coupons: [{ amount: 1000 }], points: 50 }));
  expect(await changesOf(shop, () => db.query('ROLLBACK'))).toEqual({});
});

describe.for(Object.keys(TRANSACTIONS))('inside the caller’s transaction (%s)', (how) => {
  test('COMMIT commits the caller’s work and that of all calls which succeeded; before it nothing is there', async () => {
    const first = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const taking = await pendingOrder(shop, { coupons: [{ amount: 0, in: 'nowhere' }] });
    const bad = await pendingOrder(shop, { coupon: 10, points: 5 });
    const young = await pendingOrder(shop, { coupon: 20, ageMinutes: 1 });
    await failWhen(shop, 'orders', 'UPDATE', `NEW.id = ${bad.orderId}`);
    const db = await shop.connect();
    const { begin, commit } = TRANSACTIONS[how]?.(shop) ?? { begin: '', commit: [] };
    await db.query(begin);

    const early = await changesOf(shop, async () => {
      await db.query(CALLERS_WORK);
      expect(await cancelExpiredOrder(db, first)).toMatchObject({ outcome: 'cancelled' });
      // What the caller took in the same transaction comes back.
      await db.query(
        'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, ?, 700)',
        [taking.orderId, taking.couponId],
      );
      expect(await cancelExpiredOrder(db, taking)).toMatchObject({ coupon_refunded: 700 });
      expect(await cancelExpiredOrder(db, young)).toMatchObject({ outcome: 'not_expired' });
      expect(await cancelExpiredOrder(db, 4711)).toMatchObject({ outcome: 'not_found' });
      expect(await errorOf(cancelExpiredOrder(db, 0))).toMatchObject({ errno: 50001 });
      expect(await errorOf(cancelExpiredOrder(db, bad))).toEqual({
        errno: 1644,
        sqlState: '45000',
        message: 'the shop objects',
      });
      expect(await errorOf(sweep(db))).toEqual({
        errno: 50002,
        sqlState: '45000',
        message: 'IN_TRANSACTION: cancel_expired_orders() runs its own transactions: COMMIT first',
      });
    });
    const late = await changesOf(shop, () => run(db, commit));

    expect(early).toEqual({});
    const both = [
      { order: first, coupons: [{ amount: 1000 }], points: 50 },
      { order: taking, coupons: [{ amount: 700 }] },
    ];
    const { user_coupons = [], ...rest } = cancelled(both, 2);
    expect(late).toEqual({ ...rest, user_coupons: [CALLERS_ROW, ...user_coupons] });
  });

  test('ROLLBACK undoes all of it', async () => {
    const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const db = await shop.connect();
    const { begin, undo } = TRANSACTIONS[how]?.(shop) ?? { begin: '', undo: [] };

    const early = await changesOf(shop, async () => {
      await run(db, [begin, CALLERS_WORK]);
      expect(await cancelByWrapper(db, order.orderId)).toMatchObject({ outcome: 'cancelled' });
    });
    const late = await changesOf(shop, () => run(db, undo));

    expect([early, late]).toEqual([{}, {}]);
  });
});

test.for(['COMMIT', 'START TRANSACTION'])(
  'after %s, a call whose finding is refused has cancelled, and says so',
  async (begin) => {
    const order = await pendingOrder(shop, { coupon: 1000 });
    await shop.run('UPDATE order_coupons SET applied_amount = 700');
    await failWhen(shop, 'order_timeout_finding', 'INSERT');
    const db = await shop.connect();
    await db.query(begin);

    expect(await cancelOrder(db, order)).toMatchObject({
      outcome: 'cancelled',
      coupon_refunded: 700,
    });
    await db.query('COMMIT');

    expect(await shop.column('SELECT status FROM orders')).toEqual([3]);
  },
);

test('what runs its own transactions leaves none open with autocommit off either', async () => {
  await pendingOrder(shop);
  const [db, other] = [await shop.connect(), await shop.connect()];
  await db.query('SET autocommit = 0');
  const each = [
    'cancel_expired_orders()',
    'read_cancellations(0, 0, 10)',
    'reconcile_orders(NULL)',
  ];
  const run = async () => {
    for (const call of each) expect(await rowsOf(db, call), call).toHaveLength(1);
  };

  await run();
  await other.query("DO GET_LOCK(CONCAT('order_timeout:', LEFT(SHA2(DATABASE(), 256), 40)), 0)");
  expect(await sweep(db)).toMatchObject({ outcome: 'busy' });
  await run();
});
