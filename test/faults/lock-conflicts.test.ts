import type { Connection } from 'mysql2/promise';
import { beforeEach, describe, expect, test } from 'vitest';
import { findBalanceViolations, findViolations, takeBaseline } from '../../scripts/dev/invariants';
import {
  type BuiltOrder,
  changesOf,
  createShop,
  lockWait,
  pendingOrder,
  type Shop,
} from '../support';
import { call, pay, sweep } from '../races/outcomes';

const DEADLOCK = { errno: 1213 };
const LOCK_WAIT_TIMEOUT = { errno: 1205 };

let shop: Shop;
let order: BuiltOrder;
let engine: Connection;
let heavy: Connection;

beforeEach(async () => {
  shop = await createShop();
  order = await pendingOrder(shop, { coupon: 1000, points: 50, pointsLeft: null });
  await shop.run('CREATE TABLE audit_log (id INT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(20))');
  [engine, heavy] = await Promise.all([shop.connect(), shop.connect()]);
});

/** A transaction of the shop that has written so much that a deadlock never picks it. */
async function beginHeavy(): Promise<void> {
  await heavy.beginTransaction();
  await heavy.query(
    `INSERT INTO audit_log (note)
     WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 500)
     SELECT 'much' FROM n`,
  );
}

/** Keeps others from giving this user a first points row: who tries waits, with the coupon given. */
async function holdPointsOfUser(): Promise<void> {
  await heavy.query('SELECT * FROM user_points WHERE user_id = ? FOR UPDATE', [order.userId]);
}

describe('a deadlock of which', () => {
  test('the sweep is the victim counts no attempt; the others of the batch are cancelled', async () => {
    const other = await pendingOrder(shop, { coupon: 300 });
    const baseline = await takeBaseline(shop.db);
    await beginHeavy();
    await holdPointsOfUser();
    const swept = sweep(engine);
    await lockWait(shop);
    // The sweep has this order: a circle, of which the sweep is the lighter half.
    expect(await pay(heavy, order.orderId)).toBe(1);
    const answer = await swept;
    await heavy.rollback();

    expect(answer).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
    expect(await shop.run('SELECT id FROM orders WHERE status = 3')).toEqual([
      { id: other.orderId },
    ]);
    expect(await shop.run('SELECT * FROM order_timeout_failure')).toEqual([]);
    expect(await shop.run('SELECT failed, error_number FROM order_timeout_run')).toEqual([
      { failed: 0, error_number: null },
    ]);
    expect(await sweep(engine)).toMatchObject({ outcome: 'completed', cancelled: 1 });
    expect(await findViolations(shop.db)).toEqual([]);
    expect(await findBalanceViolations(shop.db, baseline)).toEqual([]);
  });

  test('a call in its own transaction is the victim comes to its caller, and undoes all of the call', async () => {
    const changed = await changesOf(shop, async () => {
      await beginHeavy();
      await holdPointsOfUser();
      const failure = expect(
        call(engine, 'cancel_expired_order(?)', order.orderId),
      ).rejects.toMatchObject(DEADLOCK);
      await lockWait(shop);
      await pay(heavy, order.orderId);
      await failure;
      await heavy.rollback();
    });

    expect(changed).toEqual({});
    expect(await call(engine, 'cancel_expired_order(?)', order.orderId)).toMatchObject({
      outcome: 'cancelled',
      coupon_refunded: 1000,
    });
  });

  test("a call in a caller's transaction is the victim undoes all of that transaction, and says so", async () => {
    const changed = await changesOf(shop, async () => {
      await engine.beginTransaction();
      await engine.query("INSERT INTO audit_log (note) VALUES ('mine')");
      await beginHeavy();
      await holdPointsOfUser();
      const failure = expect(
        call(engine, 'cancel_expired_order(?)', order.orderId),
      ).rejects.toMatchObject(DEADLOCK);
      await lockWait(shop);
      await pay(heavy, order.orderId);
      await failure;
      // Nothing of it is left to commit.
      await engine.commit();
      await heavy.rollback();
    });

    expect(changed).toEqual({});
    expect(await shop.run('SELECT * FROM audit_log')).toEqual([]);
  });
});

describe('a lock wait timeout', () => {
  test("in a caller's transaction undoes the call and nothing else; the caller may go on", async () => {
    const changed = await changesOf(shop, async () => {
      await beginHeavy();
      await holdPointsOfUser();
      await engine.query('SET innodb_lock_wait_timeout = 1');
      await engine.beginTransaction();
      await engine.query("INSERT INTO audit_log (note) VALUES ('mine')");
      await expect(call(engine, 'cancel_expired_order(?)', order.orderId)).rejects.toMatchObject(
        LOCK_WAIT_TIMEOUT,
      );
      await engine.commit();
      await heavy.rollback();
    });

    expect(changed).toEqual({});
    expect(await shop.run('SELECT note FROM audit_log')).toEqual([{ note: 'mine' }]);
  });

  test('in a call of its own undoes it, and the session has no transaction and its own settings', async () => {
    const changed = await changesOf(shop, async () => {
      await beginHeavy();
      await holdPointsOfUser();
      await engine.query("SET innodb_lock_wait_timeout = 1, time_zone = '-11:00'");
      await expect(call(engine, 'cancel_expired_order(?)', order.orderId)).rejects.toMatchObject(
        LOCK_WAIT_TIMEOUT,
      );
      await heavy.rollback();
    });

    expect(changed).toEqual({});
    const [session] = await engine.query(
      `SELECT @@time_zone AS zone, COUNT(trx_id) AS transactions
         FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = CONNECTION_ID()`,
    );
    expect(session).toEqual([{ zone: '-11:00', transactions: 0 }]);
  });

  test('of the sweep is one second, counts no attempt, and stops no other order', async () => {
    const other = await pendingOrder(shop, { coupon: 300 });
    await beginHeavy();
    await holdPointsOfUser();

    expect(await sweep(engine)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
    expect(await shop.run('SELECT id FROM orders WHERE status = 3')).toEqual([
      { id: other.orderId },
    ]);
    expect(await shop.run('SELECT * FROM order_timeout_failure')).toEqual([]);
    await heavy.rollback();
    expect(await sweep(engine)).toMatchObject({ outcome: 'completed', cancelled: 1 });
    expect(await findViolations(shop.db)).toEqual([]);
  });
});

test('a clock that is set back while a sweep runs does not fail it', async () => {
  await shop.run(
    'INSERT INTO order_timeout_run (id, started_at) VALUES (7, UTC_TIMESTAMP(3) + INTERVAL 1 HOUR)',
  );
  await shop.run("CALL order_timeout_close_run(7, 'completed', NULL, NULL)");

  expect(await shop.run('SELECT outcome, duration_ms FROM order_timeout_run')).toEqual([
    { outcome: 'completed', duration_ms: 0 },
  ]);
});
