import { describe, expect, test } from 'vitest';
import { sweepLock } from '../../scripts/deploy/lock';
import {
  type BuiltOrder,
  changesOf,
  closeGate,
  createShop,
  pendingOrder,
  type Shop,
  shopOfFile,
} from '../support';
import { configure, hold, rowOf, rowsOf, setAside, sweep } from './calls';
import { cancelled } from './cancelled';
import { failWhen } from './obstacles';

// Two sweeps at once: test/races/sweeps.test.ts.

const shop = shopOfFile();

test('all that is due is cancelled, and nothing else', async () => {
  const due = [
    await pendingOrder(shop, { coupon: 1000, ageMinutes: 31 }),
    await pendingOrder(shop, { points: 50, ageMinutes: 600, sourceType: 2 }),
    await pendingOrder(shop, { ageMinutes: 60 * 24 * 400, sourceType: 4 }),
  ] as const;
  await pendingOrder(shop, { coupon: 1000, ageMinutes: 29 });
  await pendingOrder(shop, { coupon: 1000, sourceType: 3 });

  const changed = await changesOf(shop, async () => {
    expect(await sweep(shop.db)).toMatchObject({
      ...{ outcome: 'completed', cancelled: 3, failed: 0 },
      ...{ coupon_refunded: 1000, points_refunded: 50 },
    });
  });

  expect(changed).toEqual(
    cancelled(
      [
        { order: due[0], coupons: [{ amount: 1000 }] },
        { order: due[1], sourceType: 2, points: 50 },
        { order: due[2], sourceType: 4 },
      ],
      3,
    ),
  );
});

test('the run’s row says what it did, and the heartbeat names it', async () => {
  await pendingOrder(shop, { coupon: 1000, points: 50 });
  await pendingOrder(shop, { coupon: 300 });
  const { run_id } = await sweep(shop.db);

  expect(
    await rowOf(
      shop,
      `SELECT id, outcome, cancelled, coupon_refunded, points_refunded, failed, put_off, error_number,
              finished_at >= started_at AND finished_at BETWEEN NOW(3) - INTERVAL 1 MINUTE AND NOW(3) AS is_now,
              duration_ms BETWEEN 0 AND 60000 AS has_duration
         FROM order_timeout_run`,
    ),
  ).toEqual({
    ...{ id: run_id, outcome: 'completed', cancelled: 2, coupon_refunded: 1300 },
    ...{ points_refunded: 50, failed: 0, put_off: 0, error_number: null },
    ...{ is_now: 1, has_duration: 1 },
  });
  expect(await rowOf(shop, 'SELECT outcome, run_id FROM order_timeout_heartbeat')).toEqual({
    outcome: 'completed',
    run_id,
  });
});

const IDLE: Record<string, (shop: Shop) => Promise<unknown>> = {
  'no orders at all': () => Promise.resolve(),
  'young and excluded ones': async (shop) => {
    await pendingOrder(shop, { ageMinutes: 5, coupon: 1000 });
    await pendingOrder(shop, { sourceType: 3, coupon: 1000 });
  },
  'an order that is set aside': async (shop) => setAside(shop, await pendingOrder(shop)),
  'an order on hold': async (shop) => hold(shop, await pendingOrder(shop)),
};

test.for(Object.keys(IDLE))(
  'with %s a sweep leaves no run, raises no warning, changes nothing but its heartbeat',
  async (what) => {
    await IDLE[what]?.(shop);
    const db = await shop.connect();

    const changed = await changesOf(shop, async () => {
      expect(await sweep(db)).toMatchObject({
        ...{ run_id: null, outcome: 'completed', cancelled: 0, failed: 0 },
        ...{ coupon_refunded: 0, points_refunded: 0 },
      });
      expect((await db.query('SHOW WARNINGS'))[0]).toEqual([]);
    });

    expect(changed).toEqual({});
    expect(await shop.run('SELECT * FROM order_timeout_run')).toEqual([]);
    expect(
      await rowOf(
        shop,
        `SELECT outcome, run_id, beat_at BETWEEN NOW(3) - INTERVAL 1 MINUTE AND NOW(3) AS is_now
           FROM order_timeout_heartbeat`,
      ),
    ).toEqual({ outcome: 'completed', run_id: null, is_now: 1 });
  },
);

test('paused, it does nothing and says so; its heartbeat goes on', async () => {
  const order = await pendingOrder(shop, { coupon: 1000 });
  await configure(shop, { paused: 1 });

  const changed = await changesOf(shop, async () => {
    expect(await sweep(shop.db)).toMatchObject({ run_id: null, outcome: 'paused', cancelled: 0 });
  });
  expect(changed).toEqual({});
  expect(await shop.column('SELECT outcome FROM order_timeout_heartbeat')).toEqual(['paused']);

  await configure(shop, { paused: 0 });
  expect(await changesOf(shop, () => sweep(shop.db))).toEqual(
    cancelled({ order, coupons: [{ amount: 1000 }] }),
  );
});

test.each([0, 1])(
  'a run that was killed after its last order is told by the next sweep, though that has nothing to do (paused: %i)',
  async (paused) => {
    await shop.run(
      `INSERT INTO order_timeout_run (started_at, finished_at, outcome)
       VALUES (NOW(3), NOW(3), 'completed'), (NOW(3), NULL, NULL)`,
    );
    await configure(shop, { paused });
    expect(await sweep(shop.db)).toMatchObject({ run_id: null });
    expect(
      await shop.run('SELECT outcome, finished_at IS NOT NULL AS ended FROM order_timeout_run'),
    ).toEqual([
      { outcome: 'completed', ended: 1 },
      { outcome: 'interrupted', ended: 1 },
    ]);
    expect(await rowsOf(shop.db, 'order_timeout_health()')).toContainEqual(
      expect.objectContaining({ check_name: 'runs', status: 'warn' }),
    );
  },
);

describe('the sweep’s lock', () => {
  // The name by which a deployment keeps it away.
  const lock = () => sweepLock(shop.name);

  test('of another shop on the same server stops that shop’s only', async () => {
    const other = await createShop();
    const holder = await other.connect();
    await holder.query('DO GET_LOCK(?, 0)', [sweepLock(other.name)]);

    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed' });
    expect(await sweep(other.db)).toMatchObject({ outcome: 'busy' });
  });

  test('that somebody holds for long is told by the health, with the connection that holds it', async () => {
    await sweep(shop.db);
    const holder = await shop.connect();
    await holder.query('DO GET_LOCK(?, 0)', [lock()]);
    await shop.run('UPDATE order_timeout_heartbeat SET beat_at = beat_at - INTERVAL 6 MINUTE');

    expect(await sweep(shop.db)).toMatchObject({ outcome: 'busy' });
    const checks = await rowsOf(shop.db, 'order_timeout_health()');
    expect(checks.find(({ check_name }) => check_name === 'heartbeat')).toEqual({
      check_name: 'heartbeat',
      status: 'fail',
      detail: expect.stringMatching(
        `: it should be every minute. Connection ${holder.threadId} holds the sweep's lock: `,
      ) as string,
    });
  });

  test('that this session owns already is taken over, and released in full; its other locks stay', async () => {
    const db = await shop.connect();
    const mine = `${shop.name}:mine`;
    for (const name of [lock(), lock(), lock(), mine]) await db.query('DO GET_LOCK(?, 0)', [name]);

    expect(await sweep(db)).toMatchObject({ outcome: 'completed' });

    const sql = 'SELECT IS_FREE_LOCK(?) UNION ALL SELECT IS_FREE_LOCK(?)';
    expect(await shop.column(sql, [lock(), mine])).toEqual([1, 0]);
  });
});

test('one source type after the other, oldest first within each', async () => {
  await configure(shop, { batch_size: 1 });
  const orders: BuiltOrder[] = [];
  for (const [sourceType, ageMinutes] of [
    [1, 40],
    [1, 90],
    [2, 50],
    [2, 200],
    [4, 60],
    [1, 80],
  ] as const) {
    orders.push(await pendingOrder(shop, { sourceType, ageMinutes }));
  }

  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 6 });

  const inTurn = await shop.run<{ id: number }>(
    'SELECT order_id AS id FROM order_timeout_cancellation ORDER BY batch_id, order_id',
  );
  const nth = inTurn.map(({ id }) => orders.findIndex(({ orderId }) => orderId === id));
  expect(nth).toEqual([1, 5, 0, 3, 2, 4]);
});

test('a policy that gets shorter while a sweep runs is no other type’s', async () => {
  await pendingOrder(shop, { coupon: 1000, sourceType: 1 });
  await pendingOrder(shop, { sourceType: 2 });
  const young = await pendingOrder(shop, { sourceType: 4, ageMinutes: 5 });
  const gate = await closeGate(shop, 'INSERT ON user_coupon_ledger');

  const swept = sweep(await shop.connect());
  await gate.reached();
  await shop.run('INSERT INTO order_timeout_policy (source_type, timeout_minutes) VALUES (2, 1)');
  await gate.open();

  expect(await swept).toMatchObject({ outcome: 'completed', cancelled: 2 });
  expect(await shop.column('SELECT status FROM orders WHERE id = ?', [young.orderId])).toEqual([1]);
});

test.for([1, 7, 99, 100, 101])(
  'a backlog of 100 orders in batches of %i is done in one sweep, each once, also those of one instant',
  async (batchSize) => {
    await configure(shop, { batch_size: batchSize });
    // Ids against the age, and ten orders to each instant.
    await shop.run(
      `INSERT INTO orders (id, order_no, user_id, created_at)
       WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 99)
       SELECT 1000 - n * 7 % 100, CONCAT('backlog ', n), 1, '2026-01-31 12:00:00' + INTERVAL n DIV 10 SECOND FROM n`,
    );

    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 100, failed: 0 });

    expect(
      await rowOf(
        shop,
        `SELECT COUNT(*) AS cancellations, COUNT(DISTINCT order_id) AS orders, COUNT(DISTINCT batch_id) AS batches
           FROM order_timeout_cancellation`,
      ),
    ).toEqual({ cancellations: 100, orders: 100, batches: Math.ceil(100 / batchSize) });
    expect(
      await shop.run(
        `SELECT 1 FROM order_timeout_cancellation AS earlier
           JOIN order_timeout_cancellation AS later ON later.batch_id > earlier.batch_id
           JOIN orders AS younger ON younger.id = earlier.order_id
           JOIN orders AS older ON older.id = later.order_id
          WHERE older.created_at < younger.created_at LIMIT 1`,
      ),
    ).toEqual([]);
  },
);

describe('when its time is up', () => {
  test('it starts no further batch; the rest is the next run’s', async () => {
    await configure(shop, { batch_size: 1, time_budget_seconds: 1 });
    for (let n = 0; n < 4; n++) await pendingOrder(shop, { coupon: 1000 });
    await shop.run('CREATE TRIGGER slow BEFORE UPDATE ON user_coupons FOR EACH ROW DO SLEEP(1.1)');

    const outcome = 'out_of_time';
    expect(await sweep(shop.db)).toMatchObject({ outcome, cancelled: 1, coupon_refunded: 1000 });
    expect(await shop.column('SELECT outcome FROM order_timeout_heartbeat')).toEqual([outcome]);
    await shop.run('DROP TRIGGER slow');
    await configure(shop, { time_budget_seconds: 50 });
    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 3 });
  });

  test('in the middle of a batch that is redone order by order, it says so too', async () => {
    await configure(shop, { time_budget_seconds: 3 });
    const bad = await pendingOrder(shop, { ageMinutes: 90 });
    for (let n = 0; n < 3; n++) await pendingOrder(shop);
    await failWhen(shop, 'orders', 'UPDATE', `NEW.id = ${bad.orderId} AND SLEEP(1.6) = 0`);

    const first = await sweep(shop.db);

    expect(first).toMatchObject({ outcome: 'out_of_time', cancelled: 0, failed: 1 });
    await configure(shop, { time_budget_seconds: 50 });
    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 3 });
  });
});
