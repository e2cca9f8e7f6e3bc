import type { Connection } from 'mysql2/promise';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  findBalanceViolations,
  findViolations,
  listHalfDone,
  takeBaseline,
} from '../../scripts/invariants';
import {
  changesOf,
  closeGate,
  createShop,
  lockWait,
  pendingOrder,
  sessionEnd,
  type Shop,
  type State,
  wholeState,
} from '../support';
import { call, sweep } from '../races/outcomes';

const QUERY_KILLED = { errno: 1317 };

/** One order of each path: a coupon and points that are there, a coupon of the ledger only, no points row. */
async function twoOrders(shop: Shop): Promise<number> {
  await pendingOrder(shop, { coupon: 300, couponIn: 'ledger', points: 7, pointsLeft: null });
  const { orderId } = await pendingOrder(shop, {
    coupon: 1000,
    couponStatus: 'used up',
    points: 50,
    pointsLeft: null,
  });
  return orderId;
}

/** What a sweep without faults leaves of twoOrders(). The ids are the same in each shop. */
let cleanState: State;
beforeAll(async () => {
  const shop = await createShop();
  await twoOrders(shop);
  await shop.run('CALL cancel_expired_orders()');
  cleanState = await stateButBatches(shop);
});

/** A call that was cut short may leave a batch without anything in it. */
async function stateButBatches(shop: Shop): Promise<State> {
  const state = await wholeState(shop);
  delete state.order_timeout_batch;
  return state;
}

/**
 * Kills the query while it waits for a row lock, with the coupons given but for their ledger rows, and the points
 * not: no handler runs, and the connection's next transaction commits the half.
 */
async function cutInLockWait(
  shop: Shop,
  killed: Connection,
  work: () => Promise<unknown>,
): Promise<void> {
  const another = await shop.connect();
  // Keeps others from writing ledger rows for this order.
  await another.beginTransaction();
  await another.query('SELECT * FROM user_coupon_ledger WHERE order_id = 10002 FOR UPDATE');
  const failure = expect(work()).rejects.toMatchObject(QUERY_KILLED);
  await lockWait(shop);
  await shop.run('KILL QUERY ?', [killed.threadId]);
  await failure;
  await another.rollback();
}

/** A caller's transaction that sees nothing of what is committed from now on, if its level has snapshots. */
async function withSnapshot(shop: Shop, level: string): Promise<Connection> {
  const caller = await shop.connect();
  await caller.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${level}`);
  await caller.query('START TRANSACTION');
  await caller.query('SELECT COUNT(*) FROM order_timeout_policy');
  return caller;
}

/** Some instants of a cancel; test/procedures/half-done.test.ts has KILL QUERY at each. */
const STEPS = [
  'INSERT ON order_timeout_refund',
  'UPDATE ON user_coupons',
  'INSERT ON user_points_ledger',
  'UPDATE ON orders',
];

const CALLERS = {
  sweep: (db: Connection) => sweep(db),
  call: (db: Connection, orderId: number) => call(db, 'cancel_expired_order(?)', orderId),
};

describe('KILL QUERY', () => {
  test.for(STEPS.flatMap((step) => [['sweep', step] as const, ['call', step] as const]))(
    'of a %s at %s: the next sweep completes it',
    async ([caller, step]) => {
      const shop = await createShop();
      const orderId = await twoOrders(shop);
      const baseline = await takeBaseline(shop.db);
      const killed = await shop.connect();
      const gate = await closeGate(shop, step);
      const answer = CALLERS[caller](killed, orderId);
      const failure = expect(answer).rejects.toMatchObject(QUERY_KILLED);
      await gate.reached();
      await shop.run('KILL QUERY ?', [killed.threadId]);
      await failure;
      await killed.query('START TRANSACTION');
      await killed.query('ROLLBACK');
      await gate.open();

      expect(await findViolations(shop.db)).toEqual([]);
      expect(await shop.run('SELECT DISTINCT status FROM orders')).toEqual([{ status: 1 }]);
      await endSession(shop, killed);
      const repaired = await sweep(await shop.connect());

      expect(repaired).toMatchObject({ outcome: 'completed', cancelled: 2, failed: 0 });
      expect(await stateButBatches(shop)).toEqual(cleanState);
      expect(await listHalfDone(shop.db)).toEqual([]);
      expect(await findViolations(shop.db)).toEqual([]);
      expect(await findBalanceViolations(shop.db, baseline)).toEqual([]);
    },
  );

  test('what is half done is listed meanwhile, and the user may complete it too', async () => {
    const shop = await createShop();
    const orderId = await twoOrders(shop);
    const killed = await shop.connect();
    await cutInLockWait(shop, killed, () => call(killed, 'cancel_expired_order(?)', orderId));
    await killed.query('START TRANSACTION');

    expect(await listHalfDone(shop.db)).toEqual([
      {
        orderId: BigInt(orderId),
        status: 1,
        kind: 'coupon',
        targetId: 20002n,
        amount: 1000n,
        isGiven: true,
      },
    ]);
    const users = await call(await shop.connect(), "cancel_order(?, 90002, '')", orderId);

    expect(users).toMatchObject({
      outcome: 'cancelled',
      coupon_refunded: 1000,
      points_refunded: 50,
    });
    expect(await listHalfDone(shop.db)).toEqual([]);
    expect(await findViolations(shop.db)).toEqual([]);
    expect(
      await shop.run(
        `SELECT change_amount, action FROM user_coupon_ledger
          WHERE user_coupon_id = 20002 AND action LIKE '%refund'`,
      ),
    ).toEqual([{ change_amount: 1000, action: 'timeout_refund' }]);
  });

  test.each(Object.keys(CALLERS) as (keyof typeof CALLERS)[])(
    'in a lock wait of a %s, after which START TRANSACTION commits the half: the next sweep completes it',
    async (caller) => {
      const shop = await createShop();
      const orderId = await twoOrders(shop);
      const killed = await shop.connect();
      await cutInLockWait(shop, killed, () => CALLERS[caller](killed, orderId));
      await killed.query('START TRANSACTION');
      expect(await listHalfDone(shop.db)).not.toEqual([]);
      await endSession(shop, killed);
      await sweep(await shop.connect());

      expect(await stateButBatches(shop)).toEqual(cleanState);
      expect(await findViolations(shop.db)).toEqual([]);
    },
  );

  test.each(['REPEATABLE READ', 'SERIALIZABLE', 'READ COMMITTED'])(
    'in a lock wait of a call: a call in a %s transaction with an older snapshot completes it too',
    async (level) => {
      const shop = await createShop();
      const orderId = await twoOrders(shop);
      const baseline = await takeBaseline(shop.db);
      const killed = await shop.connect();
      const caller = await withSnapshot(shop, level);
      await cutInLockWait(shop, killed, () => call(killed, 'cancel_expired_order(?)', orderId));
      await killed.query('START TRANSACTION');
      await killed.query('ROLLBACK');

      expect(await call(caller, 'cancel_expired_order(?)', orderId)).toMatchObject({
        outcome: 'cancelled',
        coupon_refunded: 1000,
        points_refunded: 50,
      });
      await caller.commit();
      await sweep(killed);

      expect(await listHalfDone(shop.db)).toEqual([]);
      expect(await findViolations(shop.db)).toEqual([]);
      expect(await findBalanceViolations(shop.db, baseline)).toEqual([]);
      expect(await stateButBatches(shop)).toEqual(cleanState);
    },
  );

  test.each(['REPEATABLE READ', 'READ COMMITTED'])(
    'of a call before it gives: a call in a %s transaction that is older than the order gives it',
    async (level) => {
      const shop = await createShop();
      const caller = await withSnapshot(shop, level);
      const orderId = await twoOrders(shop);
      const killed = await shop.connect();
      const gate = await closeGate(shop, 'UPDATE ON user_coupons');
      const failure = expect(
        call(killed, 'cancel_expired_order(?)', orderId),
      ).rejects.toMatchObject(QUERY_KILLED);
      await gate.reached();
      await shop.run('KILL QUERY ?', [killed.threadId]);
      await failure;
      await killed.query('START TRANSACTION');
      await killed.query('ROLLBACK');
      await gate.open();

      expect(await call(caller, 'cancel_expired_order(?)', orderId)).toMatchObject({
        outcome: 'cancelled',
        coupon_refunded: 1000,
        points_refunded: 50,
      });
      await caller.commit();
      await sweep(killed);

      expect(await stateButBatches(shop)).toEqual(cleanState);
    },
  );

  test("in a lock wait of a call, after which the shop's own code cancels the order: a repair completes it", async () => {
    const shop = await createShop();
    const orderId = await twoOrders(shop);
    const baseline = await takeBaseline(shop.db);
    const killed = await shop.connect();
    await cutInLockWait(shop, killed, () => call(killed, 'cancel_expired_order(?)', orderId));
    await killed.query('START TRANSACTION');
    await shop.run('UPDATE orders SET status = 3 WHERE id = ?', [orderId]);
    await killed.query('ROLLBACK');
    await sweep(killed);
    expect(await listHalfDone(shop.db)).toMatchObject([{ orderId: BigInt(orderId), status: 3 }]);
    const [missing] = await shop.run('CALL audit_missing_refunds(NULL)');
    expect(missing).toMatchObject([{ order_id: orderId, kind: 'points', missing: 50 }]);
    const [told] = (await shop.run('CALL explain_order_timeout(?)', [orderId])) as [object[]];
    expect(told[0]).toMatchObject({
      verdict: 'cancelled_elsewhere',
      detail: `The order was cancelled, but not by this engine, of which a call was cut short: CALL repair_missing_refund(${orderId}).`,
    });
    expect(told).toContainEqual({
      step: 'refund',
      verdict: 'timeout',
      detail: expect.stringMatching(
        /^1000 came back .* the ledger row may be missing\.$/,
      ) as string,
    });

    await call(killed, 'repair_missing_refund(?)', orderId);

    expect(await listHalfDone(shop.db)).toEqual([]);
    expect(await shop.run('SELECT balance_amount FROM user_coupons WHERE id = 20002')).toEqual([
      { balance_amount: 1000 },
    ]);
    expect(await shop.run('SELECT points FROM user_points WHERE user_id = 90002')).toEqual([
      { points: 50 },
    ]);
    expect(await findViolations(shop.db)).toEqual([]);
    expect(await findBalanceViolations(shop.db, baseline)).toEqual([]);
  });

  test('while it waits for the order, its coupon or its points: nothing is half done', async () => {
    const shop = await createShop();
    const { orderId, userId, couponId } = await pendingOrder(shop, { coupon: 10, points: 1 });
    const another = await shop.connect();
    const killed = await shop.connect();

    const changed = await changesOf(shop, async () => {
      for (const [table, id] of [
        ['orders', orderId],
        ['user_coupons', couponId],
        ['user_points', userId],
      ] as const) {
        await another.beginTransaction();
        const column = table === 'user_points' ? 'user_id' : 'id';
        await another.query(`SELECT * FROM ${table} WHERE ${column} = ? FOR UPDATE`, [id]);
        const failure = expect(
          call(killed, 'cancel_expired_order(?)', orderId),
        ).rejects.toMatchObject(QUERY_KILLED);
        await lockWait(shop);
        await shop.run('KILL QUERY ?', [killed.threadId]);
        await failure;
        await killed.query('START TRANSACTION');
        await killed.query('ROLLBACK');
        await another.rollback();
      }
    });

    expect(changed).toEqual({});
  });

  test('of a sweep: its own session may sweep again after ROLLBACK, and then has left the lock', async () => {
    const shop = await createShop();
    await twoOrders(shop);
    const killed = await shop.connect();
    await cutInLockWait(shop, killed, () => sweep(killed));
    expect(await sweep(await shop.connect())).toMatchObject({ outcome: 'busy' });
    await expect(sweep(killed)).rejects.toMatchObject({ errno: 50002 });

    await killed.rollback();
    expect(await sweep(killed)).toMatchObject({ outcome: 'completed', cancelled: 2 });
    expect(await sweep(await shop.connect())).toMatchObject({ outcome: 'completed' });
    expect(await shop.run('SELECT outcome FROM order_timeout_run ORDER BY id')).toEqual([
      { outcome: 'interrupted' },
      { outcome: 'completed' },
    ]);
  });
});

describe('KILL of the connection rolls back, and the next sweep does it all', () => {
  test.for(
    STEPS.flatMap((step) => [['sweep', step] as const, ['call', step] as const]).filter(
      (_, index) => index % 4 < 2,
    ),
  )('of a %s at %s', async ([caller, step]) => {
    const shop = await createShop();
    const orderId = await twoOrders(shop);
    const killed = await shop.connect();
    const gate = await closeGate(shop, step);
    const failure = expect(CALLERS[caller](killed, orderId)).rejects.toBeDefined();
    await gate.reached();
    const changed = await changesOf(shop, async () => {
      await shop.run('KILL ?', [killed.threadId]);
      await failure;
      await gate.open();
      await sessionEnd(shop, killed.threadId);
    });
    expect(changed).toEqual({});

    await sweep(await shop.connect());
    expect(await wholeState(shop)).toEqual({
      ...cleanState,
      order_timeout_batch: [expect.objectContaining({ settled: 1 })],
    });
  });

  test('in a lock wait of a sweep', async () => {
    const shop = await createShop();
    await twoOrders(shop);
    const another = await shop.connect();
    const killed = await shop.connect();
    await another.beginTransaction();
    await another.query('SELECT * FROM user_points WHERE user_id = 90002 FOR UPDATE');
    const failure = expect(sweep(killed)).rejects.toBeDefined();
    await lockWait(shop);
    await shop.run('KILL ?', [killed.threadId]);
    await failure;
    await sessionEnd(shop, killed.threadId);
    await another.rollback();
    await sweep(another);

    expect(await stateButBatches(shop)).toEqual(cleanState);
  });
});

async function endSession(shop: Shop, db: Connection): Promise<void> {
  db.destroy();
  await sessionEnd(shop, db.threadId);
}
