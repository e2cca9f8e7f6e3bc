import type { Connection } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import {
  type BuiltOrder,
  changesOf,
  coupon,
  createShop,
  lockWait,
  pendingOrder,
  sessionEnd,
  type Shop,
} from '../support';
import { cancelExpiredOrder, cancelOrder, configure, errorOf, rowOf, sweep } from './calls';
import { holding, stateOf } from './obstacles';
import { shopOfFile } from './shop-of-file';

const freshShop = shopOfFile();

/** What can be waited for in a call, in its order: each is an instant to cut it short at. */
const STEPS = [
  { table: 'user_points', when: 'INSERT' },
  { table: 'order_timeout_batch', when: 'INSERT' },
  { table: 'order_timeout_refund', when: 'INSERT', of: "NEW.kind = 'coupon'" },
  { table: 'user_coupons', when: 'UPDATE' },
  { table: 'user_coupon_ledger', when: 'INSERT' },
  { table: 'order_timeout_refund', when: 'INSERT', of: "NEW.kind = 'points'" },
  { table: 'user_points', when: 'UPDATE' },
  { table: 'user_points_ledger', when: 'INSERT' },
  { table: 'order_timeout_cancellation', when: 'INSERT' },
  { table: 'order_timeout_cancellation', when: 'UPDATE' },
  { table: 'orders', when: 'UPDATE' },
  { table: 'order_timeout_batch', when: 'UPDATE', of: 'NEW.settled AND NOT OLD.settled' },
].flatMap((step) => [
  { ...step, moment: 'BEFORE' },
  { ...step, moment: 'AFTER' },
]);

type Cut = (shop: Shop, db: Connection, call: () => Promise<unknown>) => Promise<void>;

/** Kills the call's query at this step and lets the connection's next transaction commit the half. */
function cutAt({
  table,
  when,
  moment,
  of = 'TRUE',
}: (typeof STEPS)[number] & { of?: string }): Cut {
  return async (shop, db, call) => {
    await shop.run(
      `CREATE TRIGGER instant ${moment} ${when} ON ${table} FOR EACH ROW
       BEGIN IF ${of} THEN DO SLEEP(60); END IF; END`,
    );
    const cut = errorOf(call());
    await stateOf(shop, db, 'User sleep');
    await shop.run('KILL QUERY ?', [db.threadId]);
    expect(await cut).toMatchObject({ errno: 1317 });
    await db.query('START TRANSACTION');
    await db.query('COMMIT');
    await shop.run('DROP TRIGGER instant');
  };
}

interface Sound {
  readonly orders: readonly BuiltOrder[];
  readonly cause?: 'timeout' | 'admin';
}

/** The whole of it, once: nothing lost, nothing doubled, one entry in the journal. */
async function expectAllOnce(shop: Shop, { orders }: Sound): Promise<void> {
  for (const { orderId, userId, couponIds } of orders) {
    expect(
      await rowOf(
        shop,
        `SELECT orders.status,
                (SELECT COUNT(*) FROM order_timeout_cancellation AS cancellation
                   JOIN order_timeout_batch AS batch ON batch.id = cancellation.batch_id AND batch.settled
                  WHERE cancellation.order_id = orders.id) AS cancellations,
                (SELECT COUNT(*) FROM order_timeout_cancellation WHERE order_id = orders.id) AS cancellation_rows,
                (SELECT CAST(SUM(coupon_refunded) AS SIGNED) FROM order_timeout_cancelled
                  WHERE order_id = orders.id) AS coupon_refunded,
                (SELECT CAST(SUM(points_refunded) AS SIGNED) FROM order_timeout_cancelled
                  WHERE order_id = orders.id) AS points_refunded,
                (SELECT JSON_EXTRACT(MAX(findings), '$.missing_coupons') FROM order_timeout_cancellation
                  WHERE order_id = orders.id) AS missing_coupons
           FROM orders WHERE id = ?`,
        [orderId],
      ),
    ).toEqual({
      status: 3,
      cancellations: 1,
      cancellation_rows: 1,
      coupon_refunded: 1300,
      points_refunded: 50,
      missing_coupons: [MISSING],
    });
    expect(
      await shop.run(
        `SELECT kind, target_id, amount, source, settled
           FROM order_timeout_refund AS refund JOIN order_timeout_batch AS batch ON batch.id = refund.batch_id
          WHERE order_id = ? ORDER BY kind, target_id`,
        [orderId],
      ),
    ).toEqual([
      {
        kind: 'coupon',
        target_id: couponIds[0],
        amount: 1000,
        source: 'order_coupons',
        settled: 1,
      },
      { kind: 'coupon', target_id: couponIds[1], amount: 300, source: 'order_coupons', settled: 1 },
      { kind: 'points', target_id: userId, amount: 50, source: 'orders', settled: 1 },
    ]);
    expect(
      await shop.run(
        `SELECT id, status, balance_amount, used_order_id FROM user_coupons WHERE id IN (?) ORDER BY id`,
        [couponIds],
      ),
    ).toEqual([
      { id: couponIds[0], status: 1, balance_amount: 1000, used_order_id: null },
      { id: couponIds[1], status: 1, balance_amount: 300, used_order_id: null },
    ]);
    expect(
      await shop.run(
        `SELECT user_id, user_coupon_id, change_amount, COUNT(*) AS count FROM user_coupon_ledger
          WHERE order_id = ? AND change_amount > 0 GROUP BY 1, 2, 3 ORDER BY user_coupon_id`,
        [orderId],
      ),
    ).toEqual([
      { user_id: userId, user_coupon_id: couponIds[0], change_amount: 1000, count: 1 },
      { user_id: userId, user_coupon_id: couponIds[1], change_amount: 300, count: 1 },
    ]);
    expect(
      await shop.run(
        'SELECT points, COUNT(*) AS count FROM user_points WHERE user_id = ? GROUP BY points',
        [userId],
      ),
    ).toEqual([{ points: 50, count: 1 }]);
    expect(
      await shop.run(
        `SELECT points, COUNT(*) AS count FROM user_points_ledger
          WHERE user_id = ? AND ref_id = ? AND points > 0 GROUP BY points`,
        [userId, String(orderId)],
      ),
    ).toEqual([{ points: 50, count: 1 }]);
  }
}

const MISSING = 4711;

/** Every step has something to do for it: two coupons, one that is missing, points without a row. */
async function fullOrder(shop: Shop): Promise<BuiltOrder> {
  const order = await pendingOrder(shop, {
    coupons: [{ amount: 1000 }, { amount: 300, status: 'used up' }],
    points: 50,
    pointsLeft: null,
  });
  await shop.run(
    'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, ?, 1)',
    [order.orderId, MISSING],
  );
  return order;
}

describe.each(STEPS)('a call that is cut short $moment $when on $table ($of)', (step) => {
  const cut = cutAt(step);

  test('is completed by the next cancel of the order', async () => {
    const shop = await freshShop();
    const order = await fullOrder(shop);
    const db = await shop.connect();

    await cut(shop, db, () => cancelExpiredOrder(db, order));
    await cancelOrder(shop.db, order, order.userId);
    await cancelExpiredOrder(shop.db, order);
    await sweep(shop.db);

    await expectAllOnce(shop, { orders: [order] });
  });

  test('and that was a sweep of several orders is completed by the next one', async () => {
    const shop = await freshShop();
    const orders = [await fullOrder(shop), await fullOrder(shop), await fullOrder(shop)];
    const db = await shop.connect();

    await cut(shop, db, () => sweep(db));
    db.destroy();
    await sweepWhenFree(shop);

    await expectAllOnce(shop, { orders });
  });
});

test('what was completed is counted no more, and nobody but a call for its order completes it', async () => {
  const shop = await freshShop();
  const order = await fullOrder(shop);
  const other = await pendingOrder(shop, { coupon: 10, points: 1, sourceType: 3 });
  const db = await shop.connect();
  await AFTER_BALANCE(shop, db, () => cancelExpiredOrder(db, order));
  expect(await cutShort(shop)).toBe(1);
  await cancelOrder(shop.db, other);
  expect(await cutShort(shop)).toBe(1);

  await cancelExpiredOrder(shop.db, order);

  expect(await cutShort(shop)).toBe(0);
});

/** How many calls the numbers and the health say were cut short. */
async function cutShort(shop: Shop): Promise<unknown> {
  const [[numbers]] = (await shop.run('CALL order_timeout_numbers()')) as unknown as [
    [{ cut_short_calls: number }],
  ];
  const [health] = (await shop.run('CALL order_timeout_health()')) as unknown as [
    { check_name: string; status: string; detail: string }[],
  ];
  const check = health.find(({ check_name }) => check_name === 'half_done');
  expect(check).toMatchObject({
    status: numbers.cut_short_calls > 0 ? 'warn' : 'ok',
    detail: expect.stringMatching(`^${numbers.cut_short_calls} `) as string,
  });
  return numbers.cut_short_calls;
}

async function sweepWhenFree(shop: Shop): Promise<void> {
  for (;;) {
    const { outcome } = await sweep(shop.db);
    if (outcome !== 'busy') return;
  }
}

const AFTER_BALANCE = cutAt({
  table: 'user_coupon_ledger',
  when: 'INSERT',
  moment: 'BEFORE',
});

test('what is cut short again and again is completed once', async () => {
  const shop = await freshShop();
  const order = await fullOrder(shop);
  const db = await shop.connect();

  for (const step of STEPS) {
    // Once the money is given there is no second balance to wait at, nor a second order.
    const isReached = await stillReaches(shop, order, step);
    if (isReached) await cutAt(step)(shop, db, () => cancelExpiredOrder(db, order));
  }
  await sweep(shop.db);

  await expectAllOnce(shop, { orders: [order] });
});

async function stillReaches(
  shop: Shop,
  { orderId }: BuiltOrder,
  { table, when, of }: (typeof STEPS)[number] & { of?: string },
): Promise<boolean> {
  const { status, coupons, points, rows } = (await rowOf(
    shop,
    `SELECT status, (SELECT COALESCE(MAX(coupons_given), 0) FROM order_timeout_batch) AS coupons,
            (SELECT COALESCE(MAX(points_given), 0) FROM order_timeout_batch) AS points,
            (SELECT COUNT(*) FROM user_points) AS \`rows\`
       FROM orders WHERE id = ?`,
    [orderId],
  )) as { status: number; coupons: number; points: number; rows: number };
  if (status !== 1) return false;
  if (table === 'user_points' && when === 'INSERT') return rows === 0;
  if (table === 'user_points' || (table === 'order_timeout_refund' && of?.includes('points')))
    return points === 0;
  if (table === 'user_coupons' || table === 'order_timeout_refund') return coupons === 0;
  if (table === 'user_coupon_ledger' || table === 'user_points_ledger')
    return (await shop.run(`SELECT 1 FROM ${table} WHERE action = 'timeout_refund'`)).length === 0;
  return true;
}

test('a half-done sweep is completed order by order, by whoever comes', async () => {
  const shop = await freshShop();
  const orders = [await fullOrder(shop), await fullOrder(shop), await fullOrder(shop)] as const;
  const db = await shop.connect();
  await AFTER_BALANCE(shop, db, () => sweep(db));
  db.destroy();

  await cancelOrder(shop.db, orders[1], orders[1].userId);
  await cancelExpiredOrder(shop.db, orders[0]);
  await sweepWhenFree(shop);

  await expectAllOnce(shop, { orders });
});

test('an order of a half-done sweep that was paid meanwhile is left alone', async () => {
  const shop = await freshShop();
  const [paid, due] = [await fullOrder(shop), await fullOrder(shop)];
  const db = await shop.connect();
  await cutAt({ table: 'user_coupons', when: 'UPDATE', moment: 'BEFORE' })(shop, db, () =>
    sweep(db),
  );
  db.destroy();
  await shop.run('UPDATE orders SET status = 2 WHERE id = ?', [paid.orderId]);

  await sweepWhenFree(shop);

  await expectAllOnce(shop, { orders: [due] });
  expect(
    await shop.run('SELECT balance_amount FROM user_coupons WHERE id IN (?)', [paid.couponIds]),
  ).toEqual([{ balance_amount: 0 }, { balance_amount: 0 }]);
  expect(
    await shop.run(
      "SELECT * FROM user_coupon_ledger WHERE order_id = ? AND action = 'timeout_refund'",
      [paid.orderId],
    ),
  ).toEqual([]);
});

test('what came back by a half-done call counts in the answer of the call that completes it', async () => {
  const shop = await freshShop();
  const order = await fullOrder(shop);
  const db = await shop.connect();
  await AFTER_BALANCE(shop, db, () => cancelExpiredOrder(db, order));

  expect(await cancelExpiredOrder(shop.db, order)).toMatchObject({
    outcome: 'cancelled',
    coupon_refunded: 1300,
    points_refunded: 50,
  });
});

test('a coupon of a half-done call that somebody used meanwhile keeps what he made of it', async () => {
  const shop = await freshShop();
  const order = await fullOrder(shop);
  const db = await shop.connect();
  await AFTER_BALANCE(shop, db, () => cancelExpiredOrder(db, order));
  const id = order.couponIds[0];
  await shop.run(
    'UPDATE user_coupons SET status = 2, balance_amount = balance_amount - 1000, used_order_id = 1 WHERE id = ?',
    [id],
  );

  await sweep(shop.db);

  expect(
    await rowOf(
      shop,
      'SELECT status, balance_amount, used_order_id FROM user_coupons WHERE id = ?',
      [id],
    ),
  ).toEqual({ status: 2, balance_amount: 0, used_order_id: 1 });
  expect(
    await rowOf(
      shop,
      `SELECT COUNT(*) AS count FROM user_coupon_ledger WHERE user_coupon_id = ? AND action = 'timeout_refund'`,
      [id],
    ),
  ).toEqual({ count: 1 });
});

test('a call that is killed while it waits for a lock has nothing half done', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const holders = [
    ['SELECT * FROM orders WHERE id = ? FOR UPDATE', order.orderId],
    ['SELECT * FROM user_coupons WHERE id = ? FOR UPDATE', order.couponId],
    ['SELECT * FROM user_points WHERE user_id = ? FOR UPDATE', order.userId],
  ] as const;
  const db = await shop.connect();

  const changed = await changesOf(shop, async () => {
    for (const [sql, id] of holders) {
      const holder = await holding(shop, [sql, [id]]);
      const call = errorOf(cancelExpiredOrder(db, order));
      await lockWait(shop);
      await shop.run('KILL QUERY ?', [db.threadId]);
      expect(await call).toMatchObject({ errno: 1317 });
      await holder.query('ROLLBACK');
      await db.query('START TRANSACTION');
      await db.query('COMMIT');
    }
  });

  expect(changed).toEqual({});
});

test('a connection that is killed in mid-sweep leaves nothing of its batch', async () => {
  const shop = await freshShop();
  const order = await fullOrder(shop);
  const db = await shop.connect();
  await shop.run('CREATE TRIGGER instant AFTER UPDATE ON user_points FOR EACH ROW DO SLEEP(60)');

  const changed = await changesOf(shop, async () => {
    const sweeping = errorOf(sweep(db));
    await stateOf(shop, db, 'User sleep');
    await shop.run('KILL ?', [db.threadId]);
    expect(await sweeping).toBeDefined();
    await sessionEnd(shop, db.threadId);
  });
  await shop.run('DROP TRIGGER instant');
  await sweepWhenFree(shop);

  expect(changed).toEqual({});
  await expectAllOnce(shop, { orders: [order] });
});

test('a run that was killed is called interrupted by the next that has something to do', async () => {
  const shop = await freshShop();
  await fullOrder(shop);
  const db = await shop.connect();
  await AFTER_BALANCE(shop, db, () => sweep(db));
  db.destroy();

  await sweepWhenFree(shop);

  expect(
    await shop.run(
      `SELECT outcome, cancelled, coupon_refunded, finished_at IS NOT NULL AS is_finished
         FROM order_timeout_run ORDER BY id`,
    ),
  ).toEqual([
    { outcome: 'interrupted', cancelled: 0, coupon_refunded: 0, is_finished: 1 },
    { outcome: 'completed', cancelled: 1, coupon_refunded: 1300, is_finished: 1 },
  ]);
});

test('in a session with a killed sweep the next one takes the lock over, and releases it in full', async () => {
  const shop = await freshShop();
  const order = await fullOrder(shop);
  const db = await shop.connect();
  await AFTER_BALANCE(shop, db, () => sweep(db));

  expect(await sweep(shop.db)).toMatchObject({ outcome: 'busy' });
  expect(await sweep(db)).toMatchObject({ outcome: 'completed', cancelled: 1 });
  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed' });

  await expectAllOnce(shop, { orders: [order] });
});

test('before its half is committed or rolled back, the session with the killed sweep is refused', async () => {
  const shop = await freshShop();
  const order = await fullOrder(shop);
  const db = await shop.connect();
  await shop.run('CREATE TRIGGER instant AFTER UPDATE ON user_coupons FOR EACH ROW DO SLEEP(60)');
  const cut = errorOf(sweep(db));
  await stateOf(shop, db, 'User sleep');
  await shop.run('KILL QUERY ?', [db.threadId]);
  await cut;

  expect(await errorOf(sweep(db))).toMatchObject({ errno: 50002 });
  await db.query('ROLLBACK');
  await shop.run('DROP TRIGGER instant');
  expect(await sweep(db)).toMatchObject({ outcome: 'completed', cancelled: 1 });

  await expectAllOnce(shop, { orders: [order] });
});

test('a half-done batch of a shop with whole seconds is completed with one ledger row each', async () => {
  const shop = await createShop({
    schema: (sql) =>
      sql
        .replaceAll('DATETIME(3)', 'DATETIME')
        .replaceAll('CURRENT_TIMESTAMP(3)', 'CURRENT_TIMESTAMP'),
  });
  await configure(shop, { batch_size: 2 });
  const orders = [await fullOrder(shop), await fullOrder(shop), await fullOrder(shop)];
  const db = await shop.connect();
  await cutAt({ table: 'user_points_ledger', when: 'INSERT', moment: 'AFTER' })(shop, db, () =>
    sweep(db),
  );
  db.destroy();

  await sweepWhenFree(shop);

  await expectAllOnce(shop, { orders });
});

test('a coupon that is held for one of two half-done orders ends free, with the sum of both', async () => {
  const shop = await freshShop();
  const userId = shop.nextId('user');
  const couponId = await coupon(shop, { userId, status: 'held', usedFor: 1 });
  const taken = { couponId, status: 'held' } as const;
  const first = await pendingOrder(shop, { userId, coupons: [{ amount: 1000, ...taken }] });
  const second = await pendingOrder(shop, { userId, coupons: [{ amount: 300, ...taken }] });
  await shop.run('UPDATE user_coupons SET used_order_id = ?', [second.orderId]);
  const db = await shop.connect();
  await AFTER_BALANCE(shop, db, () => cancelExpiredOrder(db, first));

  await sweep(shop.db);

  expect(await shop.run('SELECT status, balance_amount, used_order_id FROM user_coupons')).toEqual([
    { status: 1, balance_amount: 1300, used_order_id: null },
  ]);
  expect(
    await shop.run(
      "SELECT order_id, change_amount FROM user_coupon_ledger WHERE action = 'timeout_refund' ORDER BY 1",
    ),
  ).toEqual([
    { order_id: first.orderId, change_amount: 1000 },
    { order_id: second.orderId, change_amount: 300 },
  ]);
});
