import type { Connection } from 'mysql2/promise';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type BuiltOrder,
  changesOf,
  lockWait,
  pendingOrder,
  type Shop,
  shopOfFile,
} from '../support';
import { cancelExpiredOrder, errorOf, expectAllBackOnce, pay, sweep } from '../procedures/calls';
import { heavy, holding } from '../procedures/obstacles';

// Lock waits of a call that time out: test/procedures/locks.test.ts.

const shop = shopOfFile();
const DEADLOCK = { errno: 1213, sqlState: '40001' };

let order: BuiltOrder;
let engine: Connection;

beforeEach(async () => {
  order = await pendingOrder(shop, { coupon: 1000, points: 50, pointsLeft: null });
  engine = await shop.connect();
});

/** Keeps others from giving this user a first points row: who tries waits, with the coupon given. */
async function holdPoints(shop: Shop): Promise<Connection> {
  const holder = await heavy(shop);
  await holder.query('SELECT * FROM user_points WHERE user_id = ? FOR UPDATE', [order.userId]);
  return holder;
}

test('a deadlock of which the sweep is the victim counts no attempt; the others of the batch are cancelled', async () => {
  const other = await pendingOrder(shop, { coupon: 300 });
  const holder = await holdPoints(shop);
  const swept = sweep(engine);
  await lockWait(shop);
  // The sweep has this order: a circle, of which the sweep is the lighter half.
  expect(await pay(holder, order)).toBe(1);
  const answer = await swept;
  await holder.rollback();

  expect(answer).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
  expect(await shop.column('SELECT id FROM orders WHERE status = 3')).toEqual([other.orderId]);
  expect(await shop.run('SELECT * FROM order_timeout_failure')).toEqual([]);
  expect(await shop.run('SELECT failed, error_number FROM order_timeout_run')).toEqual([
    { failed: 0, error_number: null },
  ]);
  expect(await sweep(engine)).toMatchObject({ outcome: 'completed', cancelled: 1 });
  await expectAllBackOnce(shop);
});

describe('a deadlock of which a call is the victim comes to its caller', () => {
  test.for(['and undoes all of the call', 'and undoes all of its transaction'])(
    '%s; calling again is right',
    async (what) => {
      const isJoined = what.includes('transaction');
      const changed = await changesOf(shop, async () => {
        if (isJoined) {
          await engine.beginTransaction();
          await engine.query('INSERT INTO user_points (user_id, points) VALUES (1, 5)');
        }
        const holder = await holdPoints(shop);
        const failure = expect(cancelExpiredOrder(engine, order)).rejects.toMatchObject(DEADLOCK);
        await lockWait(shop);
        await pay(holder, order);
        await failure;
        // Nothing of it is left to commit.
        await engine.commit();
        await holder.rollback();
      });

      expect(changed).toEqual({});
      expect(await cancelExpiredOrder(engine, order)).toMatchObject({ coupon_refunded: 1000 });
      await expectAllBackOnce(shop);
    },
  );
});

test('a lock wait timeout of the sweep is one second, counts no attempt, and stops no other order', async () => {
  const other = await pendingOrder(shop, { coupon: 300 });
  const holder = await holdPoints(shop);

  expect(await sweep(engine)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
  expect(await shop.column('SELECT id FROM orders WHERE status = 3')).toEqual([other.orderId]);
  expect(await shop.run('SELECT * FROM order_timeout_failure')).toEqual([]);
  await holder.rollback();
  expect(await sweep(engine)).toMatchObject({ outcome: 'completed', cancelled: 1 });
  await expectAllBackOnce(shop);
});

test.for([false, true])(
  'a call whose finding somebody holds has cancelled all the same, and the finding opens later (in a transaction: %s)',
  async (isJoined) => {
    await cancelExpiredOrder(engine, order);
    await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');
    const holder = await holding(
      shop,
      "INSERT INTO order_timeout_finding (order_id, kind, what, opened_at) VALUES (?, 'points', 'second_take', NOW())",
      [order.orderId],
    );
    await engine.query('SET innodb_lock_wait_timeout = 1');
    if (isJoined) await engine.beginTransaction();
    expect(await cancelExpiredOrder(engine, order)).toMatchObject({ outcome: 'cancelled' });
    await engine.commit();
    await holder.rollback();

    const told = () => shop.run("SELECT what FROM order_timeout_finding WHERE kind = 'points'");
    expect(await told()).toEqual([]);
    await shop.run('CALL reconcile_orders(NULL)');
    expect(await told()).toEqual([{ what: 'second_take' }]);
  },
);

test.for(['alone, has cancelled all the same', 'in a transaction, says that all of it is undone'])(
  'a call whose findings are the victim of a deadlock, %s',
  async (what) => {
    const { orderId, couponIds } = await pendingOrder(shop, {
      coupons: [{ amount: 100 }, { amount: 200 }],
    });
    await cancelExpiredOrder(engine, orderId);
    await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL WHERE id = ?', [orderId]);
    const holder = await heavy(shop);
    const find = (couponId?: number) =>
      holder.query(
        "INSERT INTO order_timeout_finding (order_id, kind, target_id, what, opened_at) VALUES (?, 'coupon', ?, 'second_take', NOW())",
        [orderId, couponId],
      );
    await find(couponIds[1]);
    const isJoined = what.includes('transaction');
    if (isJoined) await engine.beginTransaction();
    const answer = errorOf(cancelExpiredOrder(engine, orderId));
    await lockWait(shop);
    // The call has the first coupon's finding: a circle, of which the call is the lighter half.
    await find(couponIds[0]);
    const error = await answer;
    await engine.commit();
    await holder.rollback();

    if (isJoined) expect(error).toMatchObject(DEADLOCK);
    else expect(error).toBeUndefined();
    expect(await shop.column('SELECT status FROM orders WHERE id = ?', [orderId])).toEqual([
      isJoined ? 1 : 3,
    ]);
  },
);

test('a clock that is set back while a sweep runs does not fail it', async () => {
  await shop.run(
    'INSERT INTO order_timeout_run (id, started_at) VALUES (7, UTC_TIMESTAMP(3) + INTERVAL 1 HOUR)',
  );
  await shop.run("CALL order_timeout_close_run(7, 'completed', NULL, NULL)");

  expect(await shop.run('SELECT outcome, duration_ms FROM order_timeout_run')).toEqual([
    { outcome: 'completed', duration_ms: 0 },
  ]);
});
