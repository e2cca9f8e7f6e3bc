import { expect, onTestFinished, test } from 'vitest';
import {
  type BuiltOrder,
  changesOf,
  closeGate,
  createShop,
  deployEngine,
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
  setAside,
  sweep,
} from './calls';
import { cancelled } from './cancelled';
import { failWhen, holding } from './obstacles';

// An error at each of the engine's writes: test/faults/server-errors.test.ts; in a call: settlement.test.ts.

const shop = shopOfFile();
const BIGINT_MAX = '9223372036854775807';

async function threeOrders(shop: Shop) {
  return {
    first: await pendingOrder(shop, { coupon: 100, points: 1, ageMinutes: 90 }),
    bad: await pendingOrder(shop, { coupon: 1000, points: 50, ageMinutes: 80 }),
    last: await pendingOrder(shop, { coupon: 300, points: 3, ageMinutes: 70 }),
  };
}

const failure = (order: BuiltOrder, error_number: number, error_state: string) => ({
  order_timeout_failure: [{ order_id: order.orderId, attempts: 1, error_number, error_state }],
});

test.for<[what: string, error: [number, string], spoil: (bad: BuiltOrder) => string]>([
  [
    'whose coupon balance would overflow',
    [1264, '22003'],
    ({ couponId }) =>
      `UPDATE user_coupons SET balance_amount = ${BIGINT_MAX} WHERE id = ${couponId}`,
  ],
  [
    'whose points would overflow',
    [1264, '22003'],
    ({ userId }) => `UPDATE user_points SET points = ${BIGINT_MAX} WHERE user_id = ${userId}`,
  ],
  [
    'that breaks a constraint of the shop',
    [3819, 'HY000'],
    () => 'ALTER TABLE user_coupons ADD CHECK (balance_amount <= 500)',
  ],
  // Errors that no handler for SQLEXCEPTION catches.
  [
    'to which a trigger objects with a condition of the class "not found"',
    [1643, '02000'],
    ({ couponId }) =>
      `CREATE TRIGGER object BEFORE UPDATE ON user_coupons FOR EACH ROW
       BEGIN IF NEW.id = ${couponId} THEN SIGNAL SQLSTATE '02000'; END IF; END`,
  ],
  [
    'of which a trigger tells an ENUM that does not know it, an error of the class "warning",',
    [1265, '01000'],
    ({ orderId }) =>
      `CREATE TRIGGER object BEFORE INSERT ON user_coupon_ledger FOR EACH ROW
       BEGIN IF NEW.order_id = ${orderId} THEN INSERT INTO told (what) VALUES ('refund'); END IF; END`,
  ],
])(
  'an order %s is not cancelled and gets nothing back, is recorded, and stops no other; a call leaves its session as it was',
  async ([, [errno, state], spoil]) => {
    const shop = await createShop();
    const { first, bad, last } = await threeOrders(shop);
    await shop.run("CREATE TABLE told (what ENUM('sale') NOT NULL)");
    await shop.run(spoil(bad));
    const db = await shop.connect();
    await db.query("SET time_zone = '-11:00'");

    const called = await changesOf(shop, async () => {
      expect(await errorOf(cancelExpiredOrder(db, bad))).toMatchObject({ errno });
      expect(await errorOf(cancelOrder(db, bad, bad.userId))).toMatchObject({ errno });
      // What a call left open would be committed by this.
      await db.query('START TRANSACTION');
      await db.query('COMMIT');
    });
    expect((await db.query('SELECT @@time_zone AS zone'))[0]).toEqual([{ zone: '-11:00' }]);
    const swept = await changesOf(shop, async () => {
      expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 2, failed: 1 });
    });

    expect(called).toEqual({});
    const others = [
      { order: first, coupons: [{ amount: 100 }], points: 1 },
      { order: last, coupons: [{ amount: 300 }], points: 3 },
    ];
    expect(swept).toEqual({ ...cancelled(others, 2), ...failure(bad, errno, state) });
  },
);

test('one coupon of two that cannot take its money keeps back the other too', async () => {
  const bad = await pendingOrder(shop, { coupons: [{ amount: 100 }, { amount: 1000 }], points: 5 });
  await shop.run('UPDATE user_coupons SET balance_amount = ? WHERE id = ?', [
    BIGINT_MAX,
    bad.couponIds[1],
  ]);

  expect(await changesOf(shop, () => sweep(shop.db))).toEqual(failure(bad, 1264, '22003'));
});

test('of two orders whose sum would overflow a balance one comes back', async () => {
  const { couponId } = await pendingOrder(shop, { coupon: 1000, couponStatus: 'usable' });
  const second = await pendingOrder(shop, { coupons: [{ amount: 1000, couponId }] });
  await shop.run(`UPDATE user_coupons SET balance_amount = ${BIGINT_MAX} - 1500`);

  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(changed.orders).toHaveLength(1);
  expect(changed.user_coupon_ledger).toHaveLength(1);
  expect(changed).toMatchObject(failure(second, 1264, '22003'));
});

test('the record holds the error’s text whole and its times, whatever the shop’s clock and character set', async () => {
  const shop = await createShop({
    clock: '-11:00',
    schema: (sql) => `ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_swedish_ci;\n${sql}`,
  });
  await pendingOrder(shop, { coupon: 1000 });
  await failWhen(
    shop,
    'orders',
    'UPDATE',
    'TRUE',
    "SQLSTATE '45000' SET MESSAGE_TEXT = 'no way – 不行'",
  );
  await sweep(shop.db);

  expect(
    await rowOf(
      shop,
      `SELECT error_message, first_failed_at = last_failed_at AS is_first,
              last_failed_at BETWEEN NOW(3) - INTERVAL 1 MINUTE AND NOW(3) AS is_now
         FROM order_timeout_failure`,
    ),
  ).toEqual({ error_message: 'no way – 不行', is_first: 1, is_now: 1 });
});

test.for([
  { max_attempts: 9, waits: [1, 2, 4, 8, 16, 32, 64, 64, null] },
  { max_attempts: 1, waits: [null] },
])(
  'of $max_attempts attempts each is after $waits minutes, not before, and then it is set aside',
  async ({ max_attempts, waits }) => {
    await configure(shop, { max_attempts });
    await pendingOrder(shop, { coupon: 1000 });
    await failWhen(shop, 'orders', 'UPDATE');

    const waited: unknown[] = [];
    while (waited.length < max_attempts) {
      expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 0, failed: 1 });
      expect(await sweep(shop.db)).toMatchObject({ run_id: null, failed: 0 });
      const { minutes } = await rowOf(
        shop,
        'SELECT TIMESTAMPDIFF(SECOND, last_failed_at, retry_at) / 60 AS minutes FROM order_timeout_failure',
      );
      waited.push(minutes === null ? null : Number(minutes));
      await shop.run(
        'UPDATE order_timeout_failure SET retry_at = NOW(3) WHERE retry_at IS NOT NULL',
      );
    }
    const changed = await changesOf(shop, () => sweep(shop.db));

    expect(waited).toEqual(waits);
    expect(changed).toEqual({});
    expect(await shop.column('SELECT attempts FROM order_timeout_failure')).toEqual([max_attempts]);
  },
);

test.for([
  ['was cancelled by a call', 'CALL cancel_expired_order(?)'],
  ['was cancelled by an admin', "CALL cancel_order_as_admin(?, '')"],
  ['was paid', 'UPDATE orders SET status = 2 WHERE id = ?'],
  ['was cancelled by the shop', 'UPDATE orders SET status = 3 WHERE id = ?'],
  ['was deleted', 'DELETE FROM orders WHERE id = ?'],
] as const)(
  'the failure of an order that %s is forgotten, that of a pending one is kept',
  async ([, sql]) => {
    const [order, pending] = [await pendingOrder(shop), await pendingOrder(shop)];
    for (const one of [order, pending]) await setAside(shop, one);
    await shop.run(sql, [order.orderId]);

    expect(await sweep(shop.db)).toMatchObject({ run_id: null, cancelled: 0 });

    expect(await shop.column('SELECT order_id FROM order_timeout_failure')).toEqual([
      pending.orderId,
    ]);
  },
);

test('a failure that is over is forgotten behind a thousand that stay', async () => {
  const paid = await pendingOrder(shop);
  await setAside(shop, paid);
  await shop.run('UPDATE orders SET status = 2 WHERE id = ?', [paid.orderId]);
  // Pending for good, of a type that never times out.
  await shop.run(
    `INSERT INTO orders (id, order_no, user_id, source_type, created_at)
     WITH RECURSIVE sequence (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM sequence WHERE n < 1000)
     SELECT n - 1000000, n, 1, 3, NOW(3) FROM sequence`,
  );
  await shop.run(
    `INSERT INTO order_timeout_failure SELECT o.id, 5, NOW(3), NOW(3), NULL, 1, '', '' FROM orders AS o WHERE o.source_type = 3`,
  );

  // It begins with any one: of 20 times once with a later one, for sure.
  for (let nth = 0; nth < 20; nth += 1) await sweep(shop.db);

  expect(
    await rowOf(
      shop,
      'SELECT COUNT(*) AS failures, MAX(order_id) AS newest FROM order_timeout_failure',
    ),
  ).toEqual({ failures: 1000, newest: 0 - 999_000 });
});

test('a lock that the sweep could not expect: after five orders the rest of the batch is put off', async () => {
  const shop = await createShop();
  await configure(shop, { batch_size: 10 });
  await shop.run('CREATE TABLE latch (id INT PRIMARY KEY, n INT)');
  await shop.run('INSERT INTO latch VALUES (1, 0)');
  await shop.run(
    `CREATE TRIGGER latched BEFORE UPDATE ON orders FOR EACH ROW
     BEGIN IF NEW.source_type = 1 THEN UPDATE latch SET n = n + 1 WHERE id = 1; END IF; END`,
  );
  for (let n = 0; n < 10; n++) await pendingOrder(shop);
  const other = await pendingOrder(shop, { coupon: 1000, sourceType: 2 });
  const holder = await holding(shop, 'UPDATE latch SET n = 100 WHERE id = 1');

  const changed = await changesOf(shop, async () => {
    const db = await shop.connect();
    expect(await sweep(db)).toMatchObject({ outcome: 'completed', cancelled: 1, failed: 0 });
    // Once for the batch, then for five orders.
    expect(await lockWaitTimeouts(db)).toBe(6);
  });
  await holder.query('ROLLBACK');

  expect(changed).toEqual(cancelled({ order: other, sourceType: 2, coupons: [{ amount: 1000 }] }));
  expect(await shop.column('SELECT put_off FROM order_timeout_run')).toEqual([5]);
  expect(await sweep(shop.db)).toMatchObject({ cancelled: 10, failed: 0 });
});

test('an error that is the server’s, not an order’s, ends the run, is recorded with it, and counts against no order', async () => {
  const shop = await createShop();
  await pendingOrder(shop, { coupon: 1000 });
  await shop.run('RENAME TABLE order_timeout_batch TO elsewhere');
  const error = await errorOf(sweep(shop.db));
  await shop.run('RENAME TABLE elsewhere TO order_timeout_batch');

  expect(error).toMatchObject({ errno: 1146 });
  expect(
    await rowOf(
      shop,
      `SELECT outcome, error_number, error_message LIKE '%order_timeout_batch%' AS says_what, cancelled, failed,
              finished_at IS NOT NULL AS is_finished, (SELECT beat_at FROM order_timeout_heartbeat) AS beat_at,
              (SELECT attempts FROM order_timeout_failure) AS attempts
         FROM order_timeout_run`,
    ),
  ).toEqual({
    ...{ outcome: 'failed', error_number: 1146, says_what: 1, cancelled: 0, failed: 1 },
    ...{ is_finished: 1, beat_at: null, attempts: 0 },
  });
  await shop.run('UPDATE order_timeout_failure SET retry_at = NOW(3)');
  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 1 });
});

test('an index that is gone is the server’s error too, and up makes it again', async () => {
  const shop = await createShop();
  const order = await pendingOrder(shop, { points: 50 });
  await shop.run('ALTER TABLE user_points DROP INDEX idx_user');

  expect(await errorOf(cancelExpiredOrder(shop.db, order))).toMatchObject({ errno: 1176 });
  expect(await sweep(shop.db)).toMatchObject({ cancelled: 0, failed: 1 });
  expect(await shop.column('SELECT attempts FROM order_timeout_failure')).toEqual([0]);
  await deployEngine(shop.url, { clock: shop.clock, event: false });
  expect(await cancelExpiredOrder(shop.db, order)).toMatchObject({ points_refunded: 50 });
});

test('a mere warning of such a trigger is none of ours', async () => {
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
  const left = await shop.run('SELECT id FROM orders WHERE status = 1 ORDER BY id');
  expect(left).toEqual([bad, renewed, retyped].map(({ orderId }) => ({ id: orderId })));
});
