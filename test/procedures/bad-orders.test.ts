import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type BuiltOrder,
  changesOf,
  closeGate,
  createShop,
  deployEngine,
  pendingOrder,
  type Shop,
  until,
} from '../support';
import { cancelExpiredOrder, cancelOrder, configure, errorOf, rowOf, sweep } from './calls';
import { cancelled } from './cancelled';
import { failWhen, holding } from './obstacles';
import { shopOfFile } from './shop-of-file';
import { lockWaitTimeouts } from '../races/outcomes';

const freshShop = shopOfFile();
const BIGINT_MAX = '9223372036854775807';

async function threeOrders(shop: Shop) {
  return {
    first: await pendingOrder(shop, { coupon: 100, points: 1, ageMinutes: 90 }),
    bad: await pendingOrder(shop, { coupon: 1000, points: 50, ageMinutes: 80 }),
    last: await pendingOrder(shop, { coupon: 300, points: 3, ageMinutes: 70 }),
  };
}

/** The time until the next try, in seconds; null: set aside. */
async function backOff(shop: Shop): Promise<unknown> {
  const { seconds } = await rowOf(
    shop,
    'SELECT TIMESTAMPDIFF(SECOND, last_failed_at, retry_at) AS seconds FROM order_timeout_failure',
  );
  return seconds;
}

async function makeDue(shop: Shop): Promise<void> {
  await shop.run('UPDATE order_timeout_failure SET retry_at = NOW(3) WHERE retry_at IS NOT NULL');
}

const BAD: {
  what: string;
  errno: number;
  spoil: (shop: Shop, bad: BuiltOrder) => Promise<unknown>;
}[] = [
  {
    what: 'whose coupon balance would overflow',
    errno: 1264,
    spoil: (shop, { couponId }) =>
      shop.run(`UPDATE user_coupons SET balance_amount = ${BIGINT_MAX} WHERE id = ?`, [couponId]),
  },
  {
    what: 'whose points would overflow',
    errno: 1264,
    spoil: (shop, { userId }) =>
      shop.run(`UPDATE user_points SET points = ${BIGINT_MAX} WHERE user_id = ?`, [userId]),
  },
  ...[
    { table: 'user_coupons', when: 'UPDATE' as const, column: 'id', key: 'couponId' as const },
    {
      table: 'user_coupon_ledger',
      when: 'INSERT' as const,
      column: 'order_id',
      key: 'orderId' as const,
    },
    { table: 'user_points', when: 'UPDATE' as const, column: 'user_id', key: 'userId' as const },
    {
      table: 'user_points_ledger',
      when: 'INSERT' as const,
      column: 'ref_id',
      key: 'orderId' as const,
    },
    { table: 'orders', when: 'UPDATE' as const, column: 'id', key: 'orderId' as const },
  ].map(({ table, when, column, key }) => ({
    what: `to which a trigger of the shop on ${table} objects`,
    errno: 1644,
    spoil: (shop: Shop, bad: BuiltOrder) =>
      failWhen(shop, table, when, `NEW.${column} = ${bad[key]}`),
  })),
];

describe.each(BAD)('an order $what', ({ errno, spoil }) => {
  test('is not cancelled and gets nothing back, is recorded, and stops no other', async () => {
    const shop = await freshShop();
    const { first, bad, last } = await threeOrders(shop);
    await spoil(shop, bad);

    const changed = await changesOf(shop, async () => {
      expect(await sweep(shop.db)).toMatchObject({
        outcome: 'completed',
        cancelled: 2,
        coupon_refunded: 400,
        points_refunded: 4,
        failed: 1,
      });
    });

    expect(changed).toEqual({
      ...cancelled(
        [
          { order: first, coupons: [{ amount: 100 }], points: 1 },
          { order: last, coupons: [{ amount: 300 }], points: 3 },
        ],
        2,
      ),
      order_timeout_failure: [
        {
          order_id: bad.orderId,
          attempts: 1,
          error_number: errno,
          error_state: errno === 1644 ? '45000' : '22003',
        },
      ],
    });
  });

  test('fails the same way for a call, which passes the error on and records nothing', async () => {
    const shop = await freshShop();
    const { bad } = await threeOrders(shop);
    await spoil(shop, bad);

    const changed = await changesOf(shop, async () => {
      expect(await errorOf(cancelExpiredOrder(shop.db, bad))).toMatchObject({ errno });
      expect(await errorOf(cancelOrder(shop.db, bad, bad.userId))).toMatchObject({ errno });
    });

    expect(changed).toEqual({});
  });
});

test('an order that breaks a constraint of the shop is such an order', async () => {
  const shop = await createShop({
    schema: (sql) =>
      sql.replace(
        'balance_amount BIGINT NOT NULL DEFAULT 0',
        'balance_amount BIGINT NOT NULL DEFAULT 0 CHECK (balance_amount <= 500)',
      ),
  });
  const { first, bad, last } = await threeOrders(shop);

  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(changed).toEqual({
    ...cancelled(
      [
        { order: first, coupons: [{ amount: 100 }], points: 1 },
        { order: last, coupons: [{ amount: 300 }], points: 3 },
      ],
      2,
    ),
    order_timeout_failure: [
      { order_id: bad.orderId, attempts: 1, error_number: 3819, error_state: 'HY000' },
    ],
  });
});

test('one coupon of two that cannot take its money keeps back the other too', async () => {
  const shop = await freshShop();
  const bad = await pendingOrder(shop, { coupons: [{ amount: 100 }, { amount: 1000 }], points: 5 });
  await shop.run(`UPDATE user_coupons SET balance_amount = ${BIGINT_MAX} WHERE id = ?`, [
    bad.couponIds[1],
  ]);

  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(changed).toEqual({
    order_timeout_failure: [
      { order_id: bad.orderId, attempts: 1, error_number: 1264, error_state: '22003' },
    ],
  });
});

test('the record holds the error’s text and its times, in the clock of the shop', async () => {
  const shop = await createShop({ clock: '-11:00' });
  const { bad } = await threeOrders(shop);
  await failWhen(shop, 'orders', 'UPDATE', `NEW.id = ${bad.orderId}`, 'no way – 不行');
  await sweep(shop.db);

  expect(
    await rowOf(
      shop,
      `SELECT order_id, attempts, error_message, first_failed_at = last_failed_at AS is_first,
              last_failed_at BETWEEN NOW(3) - INTERVAL 1 MINUTE AND NOW(3) AS is_now
         FROM order_timeout_failure`,
    ),
  ).toEqual({
    order_id: bad.orderId,
    attempts: 1,
    error_message: 'no way – 不行',
    is_first: 1,
    is_now: 1,
  });
});

test('it is tried again after 1, 2, 4 … 64 minutes, not before, and never once it is set aside', async () => {
  const shop = await freshShop();
  await configure(shop, { max_attempts: 9 });
  const bad = await pendingOrder(shop, { coupon: 1000 });
  await failWhen(shop, 'orders', 'UPDATE');

  const waits: unknown[] = [];
  for (let attempt = 1; attempt <= 9; attempt++) {
    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 0, failed: 1 });
    expect(await sweep(shop.db)).toMatchObject({ run_id: null, failed: 0 });
    waits.push(await backOff(shop));
    await makeDue(shop);
  }
  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(waits).toEqual([60, 120, 240, 480, 960, 1920, 3840, 3840, null]);
  expect(await rowOf(shop, 'SELECT attempts FROM order_timeout_failure')).toEqual({ attempts: 9 });
  expect(changed).toEqual({});
  expect(await rowOf(shop, 'SELECT status FROM orders')).toEqual({ status: 1 });
  expect(bad.orderId).toBeGreaterThan(0);
});

test('with one attempt configured it is set aside at once', async () => {
  const shop = await freshShop();
  await configure(shop, { max_attempts: 1 });
  await pendingOrder(shop, { coupon: 1000 });
  await failWhen(shop, 'orders', 'UPDATE');

  await sweep(shop.db);

  expect(await backOff(shop)).toBeNull();
});

test('when it succeeds at last, its record is gone', async () => {
  const shop = await freshShop();
  const { first, bad, last } = await threeOrders(shop);
  await failWhen(shop, 'orders', 'UPDATE', `NEW.id = ${bad.orderId}`);
  await sweep(shop.db);
  await shop.run('DROP TRIGGER object_to_orders_UPDATE');
  await makeDue(shop);

  const changed = await changesOf(shop, () => sweep(shop.db));

  const { order_timeout_failure, ...rest } = changed;
  expect(rest).toEqual(cancelled({ order: bad, coupons: [{ amount: 1000 }], points: 50 }));
  expect(order_timeout_failure).toEqual([
    { gone: expect.objectContaining({ attempts: 1 }) as unknown },
  ]);
  expect([first.orderId, last.orderId]).not.toContain(bad.orderId);
});

test.each(['cancel_expired_order()', 'cancel_order()'])(
  'an order that is set aside can still be cancelled by %s; the next sweep forgets its failure',
  async (path) => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { coupon: 1000 });
    await shop.run(
      `INSERT INTO order_timeout_failure
              (order_id, attempts, first_failed_at, last_failed_at, retry_at, error_number, error_state, error_message)
       VALUES (?, 5, NOW(3), NOW(3), NULL, 1644, '45000', 'once')`,
      [order.orderId],
    );

    const changed = await changesOf(shop, async () => {
      expect(await sweep(shop.db)).toMatchObject({ run_id: null, cancelled: 0 });
      await (path === 'cancel_order()'
        ? cancelOrder(shop.db, order)
        : cancelExpiredOrder(shop.db, order));
      expect(await sweep(shop.db)).toMatchObject({ run_id: null, cancelled: 0 });
    });

    const { order_timeout_failure, ...rest } = changed;
    expect(rest).toEqual(
      cancelled({
        order,
        cause: path === 'cancel_order()' ? 'admin' : 'timeout',
        coupons: [{ amount: 1000 }],
      }),
    );
    expect(order_timeout_failure).toHaveLength(1);
  },
);

test.each([
  ['was paid', 'UPDATE orders SET status = 2 WHERE id = ?'],
  ['was cancelled by the shop', 'UPDATE orders SET status = 3 WHERE id = ?'],
  ['was deleted', 'DELETE FROM orders WHERE id = ?'],
])(
  'the failure of an order that %s is forgotten, that of a pending one is kept',
  async (_, sql) => {
    const shop = await freshShop();
    const [order, pending] = [await pendingOrder(shop, {}), await pendingOrder(shop, {})];
    for (const { orderId } of [order, pending]) {
      await shop.run(
        `INSERT INTO order_timeout_failure
              (order_id, attempts, first_failed_at, last_failed_at, retry_at, error_number, error_state, error_message)
       VALUES (?, 5, NOW(3), NOW(3), NULL, 1644, '45000', 'once')`,
        [orderId],
      );
    }
    await shop.run(sql, [order.orderId]);

    await sweep(shop.db);

    expect(await shop.run('SELECT order_id FROM order_timeout_failure')).toEqual([
      { order_id: pending.orderId },
    ]);
  },
);

test('two orders whose sum would overflow a balance: one of them comes back', async () => {
  const shop = await freshShop();
  const first = await pendingOrder(shop, { coupon: 1000, couponStatus: 'usable' });
  const second = await pendingOrder(shop, {
    coupons: [{ amount: 1000, status: 'usable', couponId: first.couponId }],
  });
  await shop.run(`UPDATE user_coupons SET balance_amount = ${BIGINT_MAX} - 1500`);

  const changed = await changesOf(shop, async () => {
    expect(await sweep(shop.db)).toMatchObject({ cancelled: 1, failed: 1, coupon_refunded: 1000 });
  });

  expect(changed.orders).toHaveLength(1);
  expect(changed.user_coupon_ledger).toHaveLength(1);
  expect(changed.order_timeout_failure).toMatchObject([
    { order_id: second.orderId, error_number: 1264 },
  ]);
});

test('a deadlock with the sweep as its victim is no failure of an order', async () => {
  const shop = await freshShop();
  const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
  // The sweep's update of the order takes a row that the other holds, and the other then wants the order's coupon.
  await shop.run('CREATE TABLE latch (id INT PRIMARY KEY, n INT)');
  await shop.run('INSERT INTO latch VALUES (1, 0)');
  await shop.run(
    'CREATE TRIGGER latched BEFORE UPDATE ON orders FOR EACH ROW UPDATE latch SET n = n + 1 WHERE id = 1',
  );
  const other = await holding(
    shop,
    ['UPDATE latch SET n = 100 WHERE id = 1'],
    [
      `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, action)
       WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 500)
       SELECT 1, 1, 0, 'weight' FROM n`,
    ],
  );

  const sweeping = sweep(shop.db);
  await until(async () => {
    const rows = await shop.run(
      "SELECT 1 FROM performance_schema.data_locks WHERE object_schema = ? AND object_name = 'latch' AND lock_status = 'WAITING'",
      [shop.name],
    );
    return rows.length > 0;
  });
  await other.query('SELECT * FROM user_coupons WHERE id = ? FOR UPDATE', [order.couponId]);
  const answer = await sweeping;
  await other.query('ROLLBACK');
  await shop.run('DROP TRIGGER latched');
  await shop.run('DROP TABLE latch');

  expect(answer).toMatchObject({ outcome: 'completed', failed: 0 });
  expect(await shop.run('SELECT * FROM order_timeout_failure')).toEqual([]);
  const changed = await changesOf(shop, () => sweep(shop.db));
  expect(changed).toEqual(cancelled({ order, coupons: [{ amount: 1000 }], points: 50 }));
});

test('a lock that the sweep could not expect: after five orders the rest of the batch is put off', async () => {
  const shop = await freshShop();
  await configure(shop, { batch_size: 10 });
  await shop.run('CREATE TABLE latch (id INT PRIMARY KEY, n INT)');
  await shop.run('INSERT INTO latch VALUES (1, 0)');
  await shop.run(
    `CREATE TRIGGER latched BEFORE UPDATE ON orders FOR EACH ROW
     BEGIN IF NEW.source_type = 1 THEN UPDATE latch SET n = n + 1 WHERE id = 1; END IF; END`,
  );
  for (let n = 0; n < 10; n++) await pendingOrder(shop);
  const other = await pendingOrder(shop, { coupon: 1000, sourceType: 2 });
  const holder = await holding(shop, ['UPDATE latch SET n = 100 WHERE id = 1']);

  const changed = await changesOf(shop, async () => {
    const db = await shop.connect();
    expect(await sweep(db)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
    // Once for the batch, then for five orders.
    expect(await lockWaitTimeouts(db)).toBe(6);
  });
  await holder.query('ROLLBACK');
  await shop.run('DROP TRIGGER latched');
  await shop.run('DROP TABLE latch');

  expect(changed).toEqual(cancelled({ order: other, sourceType: 2, coupons: [{ amount: 1000 }] }));
  expect(await rowOf(shop, 'SELECT put_off FROM order_timeout_run')).toEqual({ put_off: 5 });
  expect(await sweep(shop.db)).toMatchObject({ cancelled: 10, failed: 0 });
});

describe('an error that is the server’s, not an order’s', () => {
  test('ends the run, is recorded with it, and counts against no order', async () => {
    const shop = await createShop();
    const order = await pendingOrder(shop, { coupon: 1000 });
    await shop.run('RENAME TABLE order_timeout_batch TO elsewhere');
    const error = await errorOf(sweep(shop.db));
    await shop.run('RENAME TABLE elsewhere TO order_timeout_batch');

    expect(error).toMatchObject({ errno: 1146 });
    expect(
      await rowOf(
        shop,
        `SELECT outcome, error_number, error_message LIKE '%order_timeout_batch%' AS says_what, cancelled, failed,
                finished_at IS NOT NULL AS is_finished
           FROM order_timeout_run`,
      ),
    ).toEqual({
      outcome: 'failed',
      error_number: 1146,
      says_what: 1,
      cancelled: 0,
      failed: 1,
      is_finished: 1,
    });
    expect(await shop.run('SELECT attempts FROM order_timeout_failure')).toEqual([{ attempts: 0 }]);
    await makeDue(shop);
    expect(await rowOf(shop, 'SELECT beat_at FROM order_timeout_heartbeat')).toEqual({
      beat_at: null,
    });
    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 1 });
    expect(order.orderId).toBeGreaterThan(0);
  });

  test('such as an index that is gone, which up makes again', async () => {
    const shop = await createShop();
    const order = await pendingOrder(shop, { points: 50 });
    await shop.run('ALTER TABLE user_points DROP INDEX idx_user');

    expect(await errorOf(cancelExpiredOrder(shop.db, order))).toMatchObject({ errno: 1176 });
    expect(await sweep(shop.db)).toMatchObject({ cancelled: 0, failed: 1 });
    expect(await shop.run('SELECT attempts FROM order_timeout_failure')).toEqual([{ attempts: 0 }]);
    await deployEngine(shop.url, { clock: shop.clock, event: false });
    expect(await cancelExpiredOrder(shop.db, order)).toMatchObject({ points_refunded: 50 });
  });

  test('leaves session and lock as they were, also when the run cannot be recorded', async () => {
    const shop = await createShop();
    await pendingOrder(shop, { coupon: 1000 });
    await shop.run('RENAME TABLE order_timeout_run TO elsewhere');
    const db = await shop.connect();
    await db.query("SET time_zone = '-05:00', sql_safe_updates = 1, innodb_lock_wait_timeout = 7");
    const error = await errorOf(sweep(db));
    await shop.run('RENAME TABLE elsewhere TO order_timeout_run');

    expect(error).toMatchObject({
      errno: 1146,
      message: expect.stringContaining('order_timeout_run') as string,
    });
    const [session] = await db.query(
      'SELECT @@time_zone AS zone, @@sql_safe_updates AS safe, @@innodb_lock_wait_timeout AS wait',
    );
    expect(session).toEqual([{ zone: '-05:00', safe: 1, wait: 7 }]);
    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 1 });
  });
});

/** Errors that no handler for SQLEXCEPTION catches. */
describe.each([
  {
    what: 'a condition of the class "not found"',
    statement: "SIGNAL SQLSTATE '02000' SET MESSAGE_TEXT = 'none'",
    error_number: 1643,
    error_state: '02000',
  },
  {
    what: 'a text that its ENUM does not know, of the class "warning"',
    statement: "INSERT INTO told (what) VALUES ('refund')",
    error_number: 1265,
    error_state: '01000',
  },
])('a trigger of the shop that fails with $what', ({ statement, error_number, error_state }) => {
  const failOn = async (shop: Shop, { orderId }: BuiltOrder) => {
    await shop.run("CREATE TABLE told (what ENUM('sale') NOT NULL)");
    onTestFinished(async () => {
      await shop.run('DROP TABLE told');
    });
    await shop.run(
      `CREATE TRIGGER object BEFORE INSERT ON user_coupon_ledger FOR EACH ROW
       BEGIN
           IF NEW.order_id = ${orderId} THEN ${statement}; END IF;
       END`,
    );
  };

  test('stops its order only', async () => {
    const shop = await freshShop();
    const { first, bad, last } = await threeOrders(shop);
    await failOn(shop, bad);

    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 2, failed: 1 });
    expect(
      await shop.run('SELECT order_id, error_number, error_state FROM order_timeout_failure'),
    ).toEqual([{ order_id: bad.orderId, error_number, error_state }]);
    expect(await shop.run('SELECT id FROM orders WHERE status = 3 ORDER BY id')).toEqual([
      { id: first.orderId },
      { id: last.orderId },
    ]);
  });

  test('undoes a call for it, and leaves the session as it was', async () => {
    const shop = await freshShop();
    const bad = await pendingOrder(shop, { coupon: 1000, points: 50 });
    await failOn(shop, bad);
    const db = await shop.connect();
    await db.query("SET time_zone = '-11:00'");

    const changed = await changesOf(shop, async () => {
      expect(await errorOf(cancelExpiredOrder(db, bad))).toMatchObject({ errno: error_number });
      await db.query('START TRANSACTION');
      await db.query('COMMIT');
    });

    expect(changed).toEqual({});
    expect((await db.query('SELECT @@time_zone AS zone'))[0]).toEqual([{ zone: '-11:00' }]);
  });
});

test('a mere warning of such a trigger is none of ours', async () => {
  const shop = await freshShop();
  await threeOrders(shop);
  await shop.run("CREATE TABLE told (what ENUM('sale') NOT NULL)");
  onTestFinished(async () => {
    await shop.run('DROP TABLE told');
  });
  await shop.run("SET @strict = @@sql_mode, sql_mode = ''");
  await shop.run(
    "CREATE TRIGGER object BEFORE INSERT ON user_coupon_ledger FOR EACH ROW INSERT INTO told (what) VALUES ('refund')",
  );
  await shop.run('SET sql_mode = @strict');

  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 3, failed: 0 });
});

test('an order that is no longer due when its turn comes is left alone', async () => {
  const shop = await freshShop();
  const { bad } = await threeOrders(shop);
  const renewed = await pendingOrder(shop, { coupon: 20 });
  const retyped = await pendingOrder(shop, { coupon: 30 });
  // One bad order has the sweep go order by order; there it stops, holding none of those that follow.
  await failWhen(shop, 'user_coupon_ledger', 'INSERT', `NEW.order_id = ${bad.orderId}`);
  const gate = await closeGate(shop, 'INSERT ON order_timeout_failure');
  const swept = sweep(shop.db);
  await gate.reached();
  await shop.run('UPDATE orders SET created_at = NOW(3) WHERE id = ?', [renewed.orderId]);
  await shop.run('UPDATE orders SET source_type = 3 WHERE id = ?', [retyped.orderId]);
  await gate.open();

  expect(await swept).toMatchObject({ cancelled: 2, failed: 1 });
  expect(await shop.run('SELECT id FROM orders WHERE status = 1 ORDER BY id')).toEqual([
    { id: bad.orderId },
    { id: renewed.orderId },
    { id: retyped.orderId },
  ]);
});
