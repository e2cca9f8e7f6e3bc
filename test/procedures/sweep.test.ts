import { describe, expect, test } from 'vitest';
import {
  type BuiltOrder,
  changesOf,
  createShop,
  pendingOrder,
  type Shop,
  wholeState,
} from '../support';
import { configure, errorOf, rowOf, sweep } from './calls';
import { cancelled } from './cancelled';
import { failWhen, stateOf } from './obstacles';
import { shopOfFile } from './shop-of-file';

const freshShop = shopOfFile();

async function lock(shop: Shop): Promise<string> {
  const { name } = await rowOf(
    shop,
    "SELECT CONCAT('order_timeout:', LEFT(SHA2(DATABASE(), 256), 40)) AS name",
  );
  return String(name);
}

async function inTurn(shop: Shop): Promise<unknown[]> {
  const rows = await shop.run(
    'SELECT order_id FROM order_timeout_cancellation ORDER BY batch_id, order_id',
  );
  return rows.map((row) => row.order_id);
}

test('all that is due is cancelled, and nothing else', async () => {
  const shop = await freshShop();
  const due = [
    await pendingOrder(shop, { coupon: 1000, ageMinutes: 31 }),
    await pendingOrder(shop, { points: 50, ageMinutes: 600, sourceType: 2 }),
    await pendingOrder(shop, { ageMinutes: 60 * 24 * 400, sourceType: 4 }),
  ] as const;
  await pendingOrder(shop, { coupon: 1000, ageMinutes: 29 });
  await pendingOrder(shop, { coupon: 1000, sourceType: 3 });

  const changed = await changesOf(shop, async () => {
    expect(await sweep(shop.db)).toMatchObject({
      outcome: 'completed',
      cancelled: 3,
      coupon_refunded: 1000,
      points_refunded: 50,
      failed: 0,
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
  const shop = await freshShop();
  await pendingOrder(shop, { coupon: 1000, points: 50 });
  await pendingOrder(shop, { coupon: 300 });
  const answer = await sweep(shop.db);

  expect(
    await rowOf(
      shop,
      `SELECT id, outcome, cancelled, coupon_refunded, points_refunded, failed, put_off, error_number,
              finished_at >= started_at AND finished_at BETWEEN NOW(3) - INTERVAL 1 MINUTE AND NOW(3) AS is_now,
              duration_ms BETWEEN 0 AND 60000 AS has_duration
         FROM order_timeout_run`,
    ),
  ).toEqual({
    id: answer.run_id,
    outcome: 'completed',
    cancelled: 2,
    coupon_refunded: 1300,
    points_refunded: 50,
    failed: 0,
    put_off: 0,
    error_number: null,
    is_now: 1,
    has_duration: 1,
  });
  expect(await rowOf(shop, 'SELECT outcome, run_id FROM order_timeout_heartbeat')).toEqual({
    outcome: 'completed',
    run_id: answer.run_id,
  });
});

describe('an idle sweep', () => {
  test('leaves no run, raises no warning, changes nothing but its heartbeat', async () => {
    const shop = await freshShop();
    await pendingOrder(shop, { ageMinutes: 5, coupon: 1000 });
    await pendingOrder(shop, { sourceType: 3, coupon: 1000 });
    const db = await shop.connect();

    const changed = await changesOf(shop, async () => {
      expect(await sweep(db)).toMatchObject({
        run_id: null,
        outcome: 'completed',
        cancelled: 0,
        coupon_refunded: 0,
        points_refunded: 0,
        failed: 0,
      });
      const [warnings] = await db.query('SHOW WARNINGS');
      expect(warnings).toEqual([]);
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
  });

  test.each(['no orders at all', 'an order that is set aside', 'an order on hold'])(
    'is what there is with %s',
    async (what) => {
      const shop = await freshShop();
      if (what !== 'no orders at all') {
        const { orderId } = await pendingOrder(shop, { coupon: 1000 });
        if (what === 'an order on hold') {
          await shop.run(
            `INSERT INTO order_timeout_hold (order_id, held_until, held_by, held_at)
             VALUES (?, NOW(3) + INTERVAL 5 MINUTE, 'test', NOW(3))`,
            [orderId],
          );
        } else {
          await shop.run(
            `INSERT INTO order_timeout_failure (order_id, first_failed_at, last_failed_at, error_number, error_state, error_message)
             VALUES (?, NOW(3), NOW(3), 1644, '45000', 'once')`,
            [orderId],
          );
        }
      }

      const changed = await changesOf(shop, async () => {
        expect(await sweep(shop.db)).toMatchObject({ run_id: null, outcome: 'completed' });
      });

      expect(changed).toEqual({});
    },
  );

  test('reads a handful of rows, however many young and excluded orders there are', async () => {
    const shop = await freshShop();
    await shop.run(
      `INSERT INTO orders (order_no, user_id, source_type, created_at)
       WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 999)
       SELECT CONCAT('young ', n), 1, 1, NOW(3) FROM n
        UNION ALL SELECT CONCAT('excluded ', n), 1, 3, NOW(3) - INTERVAL 1 DAY FROM n`,
    );
    await shop.run('ANALYZE TABLE orders');
    const db = await shop.connect();
    await db.query('FLUSH STATUS');
    await sweep(db);
    const [rows] = (await db.query("SHOW SESSION STATUS LIKE 'Handler_read%'")) as unknown as [
      { Value: string }[],
    ];

    expect(rows.reduce((sum, { Value }) => sum + Number(Value), 0)).toBeLessThan(150);
  });
});

test('paused, it does nothing and says so; its heartbeat goes on', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000 });
  await configure(shop, { paused: 1 });

  const changed = await changesOf(shop, async () => {
    expect(await sweep(shop.db)).toMatchObject({ run_id: null, outcome: 'paused', cancelled: 0 });
  });
  expect(changed).toEqual({});
  expect(await rowOf(shop, 'SELECT outcome FROM order_timeout_heartbeat')).toEqual({
    outcome: 'paused',
  });

  await configure(shop, { paused: 0 });
  expect(await changesOf(shop, () => sweep(shop.db))).toEqual(
    cancelled({ order, coupons: [{ amount: 1000 }] }),
  );
});

describe('while another sweep runs', () => {
  test('it is busy, changes nothing, and leaves no heartbeat', async () => {
    const shop = await freshShop();
    await pendingOrder(shop, { coupon: 1000 });
    const other = await shop.connect();
    await other.query('DO GET_LOCK(?, 0)', [await lock(shop)]);

    const changed = await changesOf(shop, async () => {
      expect(await sweep(shop.db)).toMatchObject({ run_id: null, outcome: 'busy', cancelled: 0 });
    });

    expect(changed).toEqual({});
    expect(await rowOf(shop, 'SELECT beat_at FROM order_timeout_heartbeat')).toEqual({
      beat_at: null,
    });
  });

  test('which is at work indeed', async () => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { coupon: 1000 });
    await shop.run('CREATE TRIGGER slow BEFORE UPDATE ON user_coupons FOR EACH ROW DO SLEEP(0.5)');
    const first = await shop.connect();

    const changed = await changesOf(shop, async () => {
      const working = sweep(first);
      await stateOf(shop, first, 'User sleep');
      expect(await sweep(shop.db)).toMatchObject({ outcome: 'busy' });
      expect(await working).toMatchObject({ outcome: 'completed', cancelled: 1 });
    });

    expect(changed).toEqual(cancelled({ order, coupons: [{ amount: 1000 }] }));
  });

  test('in another shop on the same server, this one goes on', async () => {
    const shop = await freshShop();
    const other = await createShop();
    const holder = await other.connect();
    await holder.query('DO GET_LOCK(?, 0)', [await lock(other)]);

    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed' });
    expect(await sweep(other.db)).toMatchObject({ outcome: 'busy' });
  });

  test('a lock that this session already owns is taken over, and released in full', async () => {
    const shop = await freshShop();
    const db = await shop.connect();
    for (let n = 0; n < 3; n++) await db.query('DO GET_LOCK(?, 0)', [await lock(shop)]);

    expect(await sweep(db)).toMatchObject({ outcome: 'completed' });

    expect(await rowOf(shop, 'SELECT IS_FREE_LOCK(?) AS is_free', [await lock(shop)])).toEqual({
      is_free: 1,
    });
  });

  test('other locks of the session stay', async () => {
    const shop = await freshShop();
    const db = await shop.connect();
    await db.query('DO GET_LOCK(?, 0)', [`${shop.name}:mine`]);

    await sweep(db);

    expect(await rowOf(shop, 'SELECT IS_FREE_LOCK(?) AS is_free', [`${shop.name}:mine`])).toEqual({
      is_free: 0,
    });
  });
});

test('one source type after the other, oldest first within each', async () => {
  const shop = await freshShop();
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

  const nth = (await inTurn(shop)).map((id) => orders.findIndex(({ orderId }) => orderId === id));
  expect(nth).toEqual([1, 5, 0, 3, 2, 4]);
});

test('a policy’s timeout is that of its source type only', async () => {
  const shop = await freshShop();
  await shop.run(
    'INSERT INTO order_timeout_policy (source_type, enabled, timeout_minutes) VALUES (2, 1, 120), (4, 1, 5), (5, 0, 5)',
  );
  const ages = [
    [1, 29, false],
    [1, 31, true],
    [2, 119, false],
    [2, 121, true],
    [4, 4, false],
    [4, 6, true],
    [5, 600, false],
  ] as const;
  const due: number[] = [];
  for (const [sourceType, ageMinutes, isDue] of ages) {
    const { orderId } = await pendingOrder(shop, { sourceType, ageMinutes });
    if (isDue) due.push(orderId);
  }

  await sweep(shop.db);

  expect((await inTurn(shop)).sort()).toEqual(due);
});

test('the excluded type 3 is cancelled once its policy is switched on', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { sourceType: 3, coupon: 1000 });
  await shop.run('UPDATE order_timeout_policy SET enabled = 1 WHERE source_type = 3');

  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(changed).toEqual(cancelled({ order, sourceType: 3, coupons: [{ amount: 1000 }] }));
});

test.each([1, 7, 99, 100, 101])(
  'a backlog of 100 orders in batches of %i is done in one sweep, each once, also those of one instant',
  async (batchSize) => {
    const shop = await freshShop();
    await configure(shop, { batch_size: batchSize });
    // Ids against the age, and ten orders to each instant.
    await shop.run(
      `INSERT INTO orders (id, order_no, user_id, created_at)
       WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 99)
       SELECT 1000 - n * 7 % 100, CONCAT('backlog ', n), 1, '2026-01-31 12:00:00' + INTERVAL n DIV 10 SECOND FROM n`,
    );

    const answer = await sweep(shop.db);

    expect(answer).toMatchObject({ outcome: 'completed', cancelled: 100, failed: 0 });
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
    const shop = await freshShop();
    await configure(shop, { batch_size: 1, time_budget_seconds: 1 });
    for (let n = 0; n < 4; n++) await pendingOrder(shop, { coupon: 1000 });
    await shop.run('CREATE TRIGGER slow BEFORE UPDATE ON user_coupons FOR EACH ROW DO SLEEP(1.1)');

    expect(await sweep(shop.db)).toMatchObject({
      outcome: 'out_of_time',
      cancelled: 1,
      coupon_refunded: 1000,
    });
    expect(await rowOf(shop, 'SELECT outcome FROM order_timeout_heartbeat')).toEqual({
      outcome: 'out_of_time',
    });
    await shop.run('DROP TRIGGER slow');
    await configure(shop, { time_budget_seconds: 50 });
    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 3 });
  });

  test('in the middle of a batch that is redone order by order, it says so too', async () => {
    const shop = await freshShop();
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

test('two sweeps that run at once all the same give everything back once', async () => {
  const shop = await freshShop();
  await configure(shop, { batch_size: 3 });
  const userId = shop.nextId('user');
  for (let n = 0; n < 12; n++) await pendingOrder(shop, { userId, coupon: 1000, points: 50 });
  await shop.run('CREATE TRIGGER slow BEFORE UPDATE ON orders FOR EACH ROW DO SLEEP(0.02)');
  const [one, other] = [await shop.connect(), await shop.connect()];
  const inside = (db: typeof one) =>
    db.query(
      'CALL order_timeout_sweep(order_timeout_now(), 30, 30, SYSDATE(3) + INTERVAL 50 SECOND, @run_id, @outcome)',
    );

  await one.query("SET time_zone = '+00:00'");
  await other.query("SET time_zone = '+00:00'");
  const first = inside(one);
  await stateOf(shop, one, 'User sleep');
  await Promise.all([first, inside(other)]);
  await shop.run('DROP TRIGGER slow');
  await sweep(shop.db);

  const { orders = [], user_coupons = [], user_points = [], ...rest } = await wholeState(shop);
  expect(orders.every(({ status }) => status === 3)).toBe(true);
  expect(user_coupons.map(({ balance_amount }) => balance_amount)).toEqual(Array(12).fill(1000));
  expect(user_points).toMatchObject([{ user_id: userId, points: 600 }]);
  expect(rest.order_timeout_cancellation).toHaveLength(12);
  expect(rest.order_timeout_refund).toHaveLength(24);
  expect(rest.user_coupon_ledger?.filter(({ action }) => action === 'timeout_refund')).toHaveLength(
    12,
  );
});

test('a shop without an engine-friendly age: an order from the future is not due', async () => {
  const shop = await freshShop();
  await pendingOrder(shop, { ageMinutes: -600, coupon: 1000 });

  expect(await changesOf(shop, () => sweep(shop.db))).toEqual({});
});

test('its refusal inside a transaction names what to do', async () => {
  const shop = await freshShop();
  const db = await shop.connect();
  await db.query('START TRANSACTION');

  expect(await errorOf(sweep(db))).toEqual({
    errno: 50002,
    sqlState: '45000',
    message: 'IN_TRANSACTION: cancel_expired_orders() runs its own transactions: COMMIT first',
  });
});
