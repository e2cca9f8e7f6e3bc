import { describe, expect, test } from 'vitest';
import {
  type BuiltOrder,
  changesOf,
  closeGate,
  createShop,
  pendingOrder,
  type Shop,
  shopOfFile,
} from '../support';
import {
  cancelExpiredOrder,
  cancelOrder,
  configure,
  errorOf,
  lockWaitTimeouts,
  rowOf,
  sweep,
} from './calls';
import { cancelled } from './cancelled';
import { holding } from './obstacles';

// What a call sees after it has waited: settlement.test.ts; who wins: test/races.

const shop = shopOfFile();

/** A caller's transaction that locks no gaps: in REPEATABLE READ it would keep others from the orders beside its own. */
async function readCommitted(shop: Shop) {
  const db = await shop.connect();
  await db.query('SET innodb_lock_wait_timeout = 1');
  await db.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
  await db.query('START TRANSACTION');
  return db;
}

/** The sweep of a session that waits for nobody; what it did. */
async function sweptWithoutWaiting(shop: Shop) {
  const db = await shop.connect();
  const answer = await sweep(db);
  expect(await lockWaitTimeouts(db)).toBe(0);
  return answer;
}

/** What somebody of the shop can hold locked of an order, and how many orders are then put off: those of which a row is held. */
const HOLDS = [
  ['the order', 'SELECT * FROM orders WHERE id = ? FOR UPDATE', 'orderId', 0],
  ['the order, to read it', 'SELECT * FROM orders WHERE id = ? FOR SHARE', 'orderId', 0],
  ['the order, to pay it', 'UPDATE orders SET status = 2 WHERE id = ?', 'orderId', 0],
  ['the coupon', 'SELECT * FROM user_coupons WHERE id = ? FOR UPDATE', 'couponId', 1],
  ['the points', 'UPDATE user_points SET points = points - 1 WHERE user_id = ?', 'userId', 1],
] as const;

describe.for(HOLDS)('while somebody holds %s', ([, sql, id, putOff]) => {
  test.for([500, 3, 1])(
    'the sweep does the other orders without waiting, and this one next time (batches of %i)',
    async (batchSize) => {
      await configure(shop, { batch_size: batchSize });
      const first = await pendingOrder(shop, { coupon: 100, points: 1, ageMinutes: 90 });
      const held = await pendingOrder(shop, { coupon: 1000, points: 50, ageMinutes: 80 });
      const last = await pendingOrder(shop, { coupon: 300, points: 3, ageMinutes: 70 });
      const holder = await holding(shop, sql, [held[id]]);

      const changed = await changesOf(shop, () => sweptWithoutWaiting(shop));
      const run = await rowOf(
        shop,
        'SELECT outcome, cancelled, failed, put_off FROM order_timeout_run',
      );
      await holder.query('ROLLBACK');
      const next = await changesOf(shop, () => sweep(shop.db));

      expect(run).toEqual({ outcome: 'completed', cancelled: 2, failed: 0, put_off: putOff });
      const others = [
        { order: first, coupons: [{ amount: 100 }], points: 1 },
        { order: last, coupons: [{ amount: 300 }], points: 3 },
      ];
      expect(changed).toEqual(cancelled(others, batchSize === 1 ? 2 : 1));
      expect(next).toEqual(cancelled({ order: held, coupons: [{ amount: 1000 }], points: 50 }));
    },
  );

  test.for(['alone', 'in a transaction'])(
    'a call %s waits no longer than its innodb_lock_wait_timeout; undone is the call, and nothing else',
    async (how) => {
      const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
      const holder = await holding(shop, sql, [order[id]]);
      const db = await shop.connect();
      await db.query('SET innodb_lock_wait_timeout = 1');
      if (how === 'in a transaction') await db.query('START TRANSACTION');
      await db.query('INSERT INTO user_coupons (id, user_id) VALUES (1, 1)');

      const called = Date.now();
      const changed = await changesOf(shop, async () => {
        const call = how === 'alone' ? cancelExpiredOrder : cancelOrder;
        expect(await errorOf(call(db, order))).toMatchObject({ errno: 1205 });
        expect(Date.now() - called).toBeLessThan(10_000);
        // In a transaction that the call has left open this fails.
        if (how === 'alone') await db.query('SET TRANSACTION READ ONLY');
        else await db.query('COMMIT');
        await holder.query('ROLLBACK');
      });

      const callers = [expect.objectContaining({ id: 1, user_id: 1 })];
      expect(changed).toEqual(how === 'alone' ? {} : { user_coupons: callers });
    },
  );
});

test('two calls in transactions of their own wait for no row of the other’s user, whatever the statistics say', async () => {
  const shop = await createShop();
  // Of a table that it takes for empty the optimizer, left to itself, reads and locks all.
  await shop.run('ANALYZE TABLE user_points, user_coupons, order_coupons, orders');
  const orders = [
    await pendingOrder(shop, { coupon: 1000, points: 50 }),
    await pendingOrder(shop, { coupon: 1000, points: 50 }),
  ];
  const callers = await Promise.all(orders.map(() => readCommitted(shop)));
  for (const db of callers) await db.query('SET innodb_lock_wait_timeout = 1');

  for (const [nth, order] of orders.entries())
    expect(await cancelExpiredOrder(callers[nth] ?? shop.db, order)).toMatchObject({
      outcome: 'cancelled',
    });
  for (const db of callers) await db.query('COMMIT');
});

test('a call has locked the points that it gives to, whatever its session’s time zone', async () => {
  const order = await pendingOrder(shop, { points: 50 });
  await shop.run('UPDATE user_points SET valid_end = NOW() + INTERVAL 1 HOUR');
  const gate = await closeGate(shop, 'INSERT ON user_points_ledger');
  const db = await shop.connect();
  await db.query("SET time_zone = '+14:00'");
  const call = cancelExpiredOrder(db, order);
  await gate.reached();

  // Else the shop could merge this account into another one, and nobody would get them.
  expect(await errorOf(shop.run('SELECT * FROM user_points FOR UPDATE NOWAIT'))).toMatchObject({
    errno: 3572,
  });
  await gate.open();
  expect(await call).toMatchObject({ points_refunded: 50 });
});

test('600 due orders on one coupon that somebody holds: the sweep passes all of them, and ends', async () => {
  await configure(shop, { batch_size: 250 });
  const free = await pendingOrder(shop, { coupon: 300, ageMinutes: 31 });
  const { couponId } = await pendingOrder(shop, { coupon: 1000, couponStatus: 'usable' });
  await shop.run(
    `INSERT INTO orders (order_no, user_id, coupon_id, created_at)
     WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 599)
     SELECT CONCAT('shared ', n), 1, ?, NOW(3) - INTERVAL 1 HOUR FROM n`,
    [couponId],
  );
  const holder = await holding(shop, 'SELECT * FROM user_coupons WHERE id = ? FOR UPDATE', [
    couponId,
  ]);

  const changed = await changesOf(shop, async () => {
    const answer = { outcome: 'completed', cancelled: 1, failed: 0 };
    expect(await sweptWithoutWaiting(shop)).toMatchObject(answer);
  });
  await holder.query('ROLLBACK');

  expect(changed).toEqual(cancelled({ order: free, coupons: [{ amount: 300 }] }));
  expect(await shop.column('SELECT put_off FROM order_timeout_run')).toEqual([600]);
  expect(await sweep(shop.db)).toMatchObject({ cancelled: 600, coupon_refunded: 1000 });
});

describe('a call in a READ COMMITTED transaction', () => {
  const NOTHING_TO_GIVE: Record<string, (shop: Shop, order: BuiltOrder) => Promise<unknown>> = {
    'with nothing to give back': async (shop) => {
      await shop.run('DELETE FROM order_coupons');
      await shop.run('DELETE FROM user_coupon_ledger');
    },
    'of which all came back before it was reopened': async (shop, order) => {
      await cancelExpiredOrder(shop.db, order);
      await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');
    },
  };

  test.for(Object.keys(NOTHING_TO_GIVE))(
    'for an order %s keeps the sweep from nothing',
    async (what) => {
      const order = await pendingOrder(shop, { coupon: 1000, couponStatus: 'used up' });
      await NOTHING_TO_GIVE[what]?.(shop, order);
      await pendingOrder(shop, { points: 50 });
      const caller = await readCommitted(shop);
      expect(await cancelOrder(caller, order)).toMatchObject({ coupon_refunded: 0 });

      const answer = { cancelled: 1, points_refunded: 50 };
      expect(await sweptWithoutWaiting(shop)).toMatchObject(answer);
      await caller.query('COMMIT');
      expect(await shop.column('SELECT DISTINCT status FROM orders')).toEqual([3]);
    },
  );

  test('keeps another such call for another order from nothing', async () => {
    const given = { coupon: 1000, points: 50 };
    const [first, second] = [await pendingOrder(shop, given), await pendingOrder(shop, given)];
    // By statistics of before, such as those of an empty table, the points would be found by a scan.
    await shop.run('ANALYZE TABLE user_points');
    const [one, other] = [await readCommitted(shop), await readCommitted(shop)];

    const changed = await changesOf(shop, async () => {
      await cancelExpiredOrder(one, first);
      await cancelExpiredOrder(other, second);
      await one.query('COMMIT');
      await other.query('COMMIT');
    });

    const back = { coupons: [{ amount: 1000 }], points: 50 };
    const both = [first, second].map((order) => ({ order, ...back }));
    expect(changed).toEqual(cancelled(both, 2));
  });
});

test('a lock of an excluded or a young order, of another user’s points, or of the settings is nothing to a sweep', async () => {
  const due = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const excluded = await pendingOrder(shop, { sourceType: 3 });
  const young = await pendingOrder(shop, { ageMinutes: 5, points: 5, coupon: 5 });
  const ids = [excluded.orderId, young.orderId];
  const holder = await holding(shop, 'SELECT * FROM orders WHERE id IN (?) FOR UPDATE', [ids]);
  await holder.query('SELECT * FROM user_points WHERE user_id = ? FOR UPDATE', [young.userId]);
  await holder.query('SELECT * FROM user_coupons WHERE id = ? FOR UPDATE', [young.couponId]);
  await holder.query('UPDATE order_timeout_setting SET batch_size = 7');

  const changed = await changesOf(shop, () => sweptWithoutWaiting(shop));

  expect(changed).toEqual(cancelled({ order: due, coupons: [{ amount: 1000 }], points: 50 }));
});
