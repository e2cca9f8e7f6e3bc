import { beforeEach, describe, expect, test } from 'vitest';
import { findBalanceViolations, findViolations, takeBaseline } from '../../scripts/dev/invariants';
import { changesOf, createShop, pendingOrder, type Shop, type State, wholeState } from '../support';
import { call, sweep } from '../races/outcomes';

/** All that a cancel writes: the shop's tables, then ours. */
const WRITES = [
  ['user_coupons', 'UPDATE'],
  ['user_coupon_ledger', 'INSERT'],
  ['user_points', 'INSERT'],
  ['user_points', 'UPDATE'],
  ['user_points_ledger', 'INSERT'],
  ['orders', 'UPDATE'],
  ['order_timeout_batch', 'INSERT'],
  ['order_timeout_refund', 'INSERT'],
  ['order_timeout_cancellation', 'INSERT'],
] as const;
/** What the sweep writes about itself. */
const RUN_WRITES = [
  ['order_timeout_run', 'INSERT'],
  ['order_timeout_run', 'UPDATE'],
  ['order_timeout_heartbeat', 'UPDATE'],
] as const;

const DISK_FULL = 1114;

let shop: Shop;
beforeEach(async () => {
  shop = await createShop();
});

/** Two orders of different users; the first has no points row yet. */
async function twoOrders(): Promise<number[]> {
  const bad = await pendingOrder(shop, { coupon: 1000, points: 50, pointsLeft: null });
  const good = await pendingOrder(shop, { coupon: 300, points: 7 });
  return [bad.orderId, good.orderId];
}

async function failAt(table: string, write: string, errno?: number): Promise<void> {
  const error =
    errno === undefined
      ? "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the shop says no'"
      : `SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = ${errno}, MESSAGE_TEXT = 'the table is full'`;
  await shop.run(`CREATE TRIGGER fault BEFORE ${write} ON ${table} FOR EACH ROW ${error}`);
}

/** Each order cancelled once, all back once, nothing recorded against it. */
async function expectAllDone(baseline: Awaited<ReturnType<typeof takeBaseline>>): Promise<void> {
  expect(moneyOf(await wholeState(shop))).toEqual({
    orders: [3, 3],
    coupons: [1000, 300],
    couponLedger: [1000, 300],
    points: [50, 7],
    pointsLedger: [50, 7],
    refunds: 4,
    cancellations: 2,
    failures: 0,
  });
  expect(await findViolations(shop.db)).toEqual([]);
  expect(await findBalanceViolations(shop.db, baseline)).toEqual([]);
}

function moneyOf(state: State): Record<string, unknown> {
  const given = (table: string, column: string) =>
    state[table]?.filter((row) => row.action === 'timeout_refund').map((row) => row[column]);
  return {
    orders: state.orders?.map((row) => row.status),
    coupons: state.user_coupons?.map((row) => row.balance_amount),
    couponLedger: given('user_coupon_ledger', 'change_amount'),
    points: state.user_points?.map((row) => row.points),
    pointsLedger: given('user_points_ledger', 'points'),
    refunds: state.order_timeout_refund?.length,
    cancellations: state.order_timeout_cancellation?.length,
    failures: state.order_timeout_failure?.length,
  };
}

describe('a full disk at any write of a cancel', () => {
  test.each([...WRITES])(
    '%s, %s: no order is done by half, none counts an attempt, and all is done once there is room',
    async (table, write) => {
      const orders = await twoOrders();
      const baseline = await takeBaseline(shop.db);
      const db = await shop.connect();
      await failAt(table, write, DISK_FULL);

      expect(await sweep(db)).toMatchObject({ outcome: 'completed' });
      expect(
        await shop.run('SELECT DISTINCT attempts, error_number FROM order_timeout_failure'),
      ).toEqual([{ attempts: 0, error_number: DISK_FULL }]);
      expect(await findViolations(shop.db)).toEqual([]);
      expect(await findBalanceViolations(shop.db, baseline)).toEqual([]);

      await shop.run('DROP TRIGGER fault');
      for (const orderId of orders) await call(db, 'retry_failed_order(?)', orderId);
      expect(await sweep(db)).toMatchObject({ outcome: 'completed', failed: 0 });
      await expectAllDone(baseline);
    },
  );

  test('that five orders in a row meet ends the run, which says so', async () => {
    await twoOrders();
    for (let n = 0; n < 5; n++) await pendingOrder(shop, { coupon: 100 });
    const db = await shop.connect();
    await failAt('orders', 'UPDATE', DISK_FULL);

    await expect(sweep(db)).rejects.toMatchObject({ errno: DISK_FULL });
    expect(
      await shop.run('SELECT outcome, cancelled, failed, error_number FROM order_timeout_run'),
    ).toEqual([{ outcome: 'failed', cancelled: 0, failed: 5, error_number: DISK_FULL }]);
    expect(await shop.run('SELECT DISTINCT status FROM orders')).toEqual([{ status: 1 }]);
  });

  test.each([...RUN_WRITES])(
    '%s, %s: the sweep says so, leaves its session and its lock as they were, and all is done afterwards',
    async (table, write) => {
      await twoOrders();
      const baseline = await takeBaseline(shop.db);
      const db = await shop.connect();
      await db.query(
        "SET time_zone = '-11:00', innodb_lock_wait_timeout = 33, lock_wait_timeout = 44",
      );
      await failAt(table, write, DISK_FULL);

      await expect(sweep(db)).rejects.toMatchObject({ errno: DISK_FULL });
      const [session] = await db.query(
        `SELECT @@time_zone AS zone, @@innodb_lock_wait_timeout AS row_wait, @@lock_wait_timeout AS table_wait`,
      );
      expect(session).toEqual([{ zone: '-11:00', row_wait: 33, table_wait: 44 }]);
      expect(await findViolations(shop.db)).toEqual([]);

      await shop.run('DROP TRIGGER fault');
      expect(await sweep(await shop.connect())).toMatchObject({ outcome: 'completed' });
      await expectAllDone(baseline);
    },
  );
});

describe('an error that one order raises', () => {
  test.each([...WRITES].filter(([table]) => table !== 'order_timeout_batch'))(
    '%s, %s: the other order is cancelled, this one is recorded and done once the cause is gone',
    async (table, write) => {
      const [bad] = await twoOrders();
      const baseline = await takeBaseline(shop.db);
      const db = await shop.connect();
      const ids: Record<string, string> = {
        orders: 'NEW.id = 10001',
        user_coupons: 'NEW.id = 20001',
        user_coupon_ledger: 'NEW.user_coupon_id = 20001',
        order_timeout_refund: 'NEW.order_id = 10001',
        order_timeout_cancellation: 'NEW.order_id = 10001',
      };
      await shop.run(
        `CREATE TRIGGER fault BEFORE ${write} ON ${table} FOR EACH ROW
         BEGIN
             IF ${ids[table] ?? 'NEW.user_id = 90001'} THEN
                 SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the shop says no';
             END IF;
         END`,
      );

      expect(await sweep(db)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 1 });
      expect(await shop.run('SELECT id FROM orders WHERE status = 1')).toEqual([{ id: bad }]);
      expect(
        await shop.run(
          `SELECT order_id, attempts, error_number, error_state, error_message FROM order_timeout_failure`,
        ),
      ).toEqual([
        {
          order_id: bad,
          attempts: 1,
          error_number: 1644,
          error_state: '45000',
          error_message: 'the shop says no',
        },
      ]);
      expect(await sweep(db)).toMatchObject({ run_id: null, outcome: 'completed' });

      await shop.run('DROP TRIGGER fault');
      await call(db, 'retry_failed_order(?)', bad);
      expect(await sweep(db)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
      await expectAllDone(baseline);
    },
  );

  test('that also cannot be recorded: the run says failed, and all is done afterwards', async () => {
    await twoOrders();
    const baseline = await takeBaseline(shop.db);
    const db = await shop.connect();
    await failAt('user_coupons', 'UPDATE');
    await shop.run(
      `CREATE TRIGGER second_fault BEFORE INSERT ON order_timeout_failure FOR EACH ROW
       SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = ${DISK_FULL}, MESSAGE_TEXT = 'the table is full'`,
    );

    await expect(sweep(db)).rejects.toMatchObject({ errno: DISK_FULL });
    expect(await shop.run('SELECT outcome, error_number FROM order_timeout_run')).toEqual([
      { outcome: 'failed', error_number: DISK_FULL },
    ]);

    await shop.run('DROP TRIGGER fault');
    await shop.run('DROP TRIGGER second_fault');
    expect(await sweep(db)).toMatchObject({ outcome: 'completed', cancelled: 2 });
    await expectAllDone(baseline);
  });
});

test('an error of the look for what is due ends the run with it; afterwards all is done', async () => {
  const [bad] = await twoOrders();
  await shop.run('RENAME TABLE order_timeout_hold TO hold_elsewhere');

  await expect(sweep(shop.db)).rejects.toMatchObject({ errno: 1146 });
  await shop.run('RENAME TABLE hold_elsewhere TO order_timeout_hold');

  expect(await shop.run('SELECT outcome, error_number FROM order_timeout_run')).toEqual([
    { outcome: 'failed', error_number: 1146 },
  ]);
  expect(await shop.run('SELECT status FROM orders WHERE id = ?', [bad])).toEqual([{ status: 1 }]);
  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 2, failed: 0 });
});

test('a full disk in a call for one order comes to the caller, and nothing has changed', async () => {
  const [orderId] = await twoOrders();
  const db = await shop.connect();
  await failAt('user_points_ledger', 'INSERT', DISK_FULL);

  const changed = await changesOf(shop, async () => {
    await expect(call(db, 'cancel_expired_order(?)', orderId)).rejects.toMatchObject({
      errno: DISK_FULL,
    });
    await db.query('START TRANSACTION');
    await db.query('COMMIT');
  });

  expect(changed).toEqual({});
});
