import type { Connection } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import {
  type BuiltOrder,
  changesOf,
  coupon,
  createShop,
  pendingOrder,
  type Shop,
} from '../support';
import { cancelExpiredOrder, cancelOrder, errorOf, sweep } from './calls';
import { cancelled } from './cancelled';
import { failWhen } from './obstacles';
import { shopOfFile } from './shop-of-file';

/** The shop's clock is none of those that the sessions below have. */
const freshShop = shopOfFile({ clock: '+05:45' });

const BACK = { coupons: [{ amount: 1000 }], points: 50 };
const dueOrder = (shop: Shop) => pendingOrder(shop, { coupon: 1000, points: 50 });

const CALLS: Record<string, (db: Connection, order: BuiltOrder) => Promise<unknown>> = {
  'cancel_expired_order()': cancelExpiredOrder,
  'cancel_order()': (db, order) => cancelOrder(db, order, order.userId),
  'cancel_expired_orders()': sweep,
};
const causeOf = (call: string) => (call === 'cancel_order()' ? 'user' : 'timeout');

/** Sessions as callers have them, by what was set in them. */
const SESSIONS: Record<string, string[]> = {
  "time_zone '-12:00'": ["SET time_zone = '-12:00'"],
  "time_zone '+00:00'": ["SET time_zone = '+00:00'"],
  "time_zone '+14:00'": ["SET time_zone = '+14:00'"],
  'sql_mode empty': ["SET sql_mode = ''"],
  'sql_mode ANSI': ["SET sql_mode = 'ANSI'"],
  'sql_mode by default': ['SET sql_mode = DEFAULT'],
  'sql_mode with all that bites': [
    "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,NO_UNSIGNED_SUBTRACTION,HIGH_NOT_PRECEDENCE,IGNORE_SPACE,PAD_CHAR_TO_FULL_LENGTH,REAL_AS_FLOAT,TIME_TRUNCATE_FRACTIONAL'",
  ],
  'completion_type CHAIN': ['SET completion_type = CHAIN'],
  'completion_type RELEASE': ["SET completion_type = 'RELEASE'"],
  'sql_safe_updates, with its limits': [
    'SET sql_safe_updates = 1, sql_select_limit = 1, max_join_size = 1000',
  ],
  'READ UNCOMMITTED': ['SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED'],
  'REPEATABLE READ': ['SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ'],
  SERIALIZABLE: ['SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE'],
  'a collation of its own': ['SET NAMES utf8mb4 COLLATE utf8mb4_bin'],
  'a character set of its own': ['SET NAMES latin1 COLLATE latin1_german2_ci'],
  sql_auto_is_null: ['SET sql_auto_is_null = 1'],
  'a short group_concat_max_len': ['SET group_concat_max_len = 4'],
  'optimizer switches off': [
    "SET optimizer_switch = 'materialization=off,semijoin=off,derived_merge=off,hash_join=off,block_nested_loop=off,mrr=off'",
  ],
  auto_increment_increment: ['SET auto_increment_increment = 7, auto_increment_offset = 3'],
};

describe.each(Object.entries(SESSIONS))('in a session with %s', (_, settings) => {
  test.each(Object.keys(CALLS))('%s does what it does in any other', async (call) => {
    const shop = await freshShop();
    const order = await dueOrder(shop);
    await pendingOrder(shop, { ageMinutes: 29 });
    const db = await shop.connect();
    for (const setting of settings) await db.query(setting);

    const changed = await changesOf(shop, () => CALLS[call]?.(db, order) ?? Promise.resolve());

    expect(changed).toEqual(cancelled({ order, cause: causeOf(call), ...BACK }));
    await expectTimesOfNow(shop);
  });
});

test('a short group_concat_max_len cuts no answer', async () => {
  const shop = await freshShop();
  const { orderId, couponId } = await dueOrder(shop);
  await shop.run(
    `INSERT INTO order_timeout_finding (order_id, kind, target_id, what, opened_at)
     VALUES (?, 'coupon', ?, 'short', NOW()), (?, 'coupon', ?, 'second_take', NOW())`,
    [orderId, couponId, orderId, couponId],
  );
  const db = await shop.connect();
  const answer = async (sql: string) =>
    (
      (await db.query(sql, [orderId])) as unknown as [[{ detail?: string; finding?: string }[]]]
    )[0][0];

  await db.query('SET group_concat_max_len = 4');
  expect(await answer('CALL order_money(?)')).toMatchObject([
    { kind: 'coupon', finding: 'second_take, short' },
    { kind: 'points', finding: null },
  ]);
  expect(await answer('CALL order_timeout_health()')).toContainEqual({
    check_name: 'index',
    status: 'ok',
    detail: 'The orders have an index that serves the sweep.',
  });
  await cancelExpiredOrder(db, orderId);
  await shop.run("DELETE FROM user_coupon_ledger WHERE action = 'timeout_refund'");
  await db.query('CALL reconcile_orders(NULL)');
  expect(
    await shop.run("SELECT detail FROM order_timeout_finding WHERE what = 'broken_invariant'"),
  ).toEqual([{ detail: `coupon ${couponId}: 1000 given back with 0 rows in the ledger` }]);
});

/** Whatever was written now has the time of now in the clock of the shop. */
async function expectTimesOfNow(shop: Shop): Promise<void> {
  const times = [
    ['orders', 'cancelled_at', 'status = 3'],
    ['user_coupon_ledger', 'created_at', 'change_amount > 0'],
    ['user_points_ledger', 'created_at', "ref_table = 'orders' AND points > 0"],
    ['order_timeout_cancellation', 'cancelled_at', 'TRUE'],
    ['order_timeout_refund', 'refunded_at', 'TRUE'],
    ['order_timeout_batch', 'created_at', 'TRUE'],
  ] as const;
  for (const [table, column, which] of times) {
    expect({
      table,
      rows: await shop.run(
        `SELECT DISTINCT ${column} BETWEEN NOW(3) - INTERVAL 1 MINUTE AND NOW(3) + INTERVAL 1 SECOND AS is_now
           FROM ${table} WHERE ${which}`,
      ),
    }).toEqual({ table, rows: [{ is_now: 1 }] });
  }
}

describe.each(['-12:00', '+00:00', '+14:00'])('where the shop’s clock is %s', (clock) => {
  test.each(['DATETIME', 'TIMESTAMP'])(
    'an order of a %s is due after 30 minutes, in a session of whatever time zone',
    async (type) => {
      const shop = await createShop({
        clock,
        schema: (sql) => sql.replaceAll(/\b(created_at|cancelled_at) DATETIME/g, `$1 ${type}`),
      });
      const outcomes: unknown[] = [];
      for (const zone of ['-12:00', '+00:00', '+14:00']) {
        const db = await shop.connect();
        await db.query('SET time_zone = ?', [zone]);
        for (const ageMinutes of [28, 30.2]) {
          const order = await pendingOrder(shop, { ageMinutes, coupon: 1000, points: 50 });
          outcomes.push((await cancelExpiredOrder(db, order)).outcome);
        }
        await pendingOrder(shop, { ageMinutes: 30.2, coupon: 1000, points: 50 });
        outcomes.push((await sweep(db)).cancelled);
      }

      const each = ['not_expired', 'cancelled', 1];
      expect(outcomes).toEqual([...each, ...each, ...each]);
      await expectTimesOfNow(shop);
    },
  );
});

/** What dueOrder() took came back before. */
const SECOND_TAKE = [
  { what: 'second_take', amount: 1000, other: 1000 },
  { kind: 'points', what: 'second_take', amount: 50, other: 50 },
] as const;

describe.each(['REPEATABLE READ', 'SERIALIZABLE', 'READ COMMITTED', 'READ UNCOMMITTED'])(
  'in a %s transaction with an old snapshot',
  (level) => {
    async function withSnapshot(shop: Shop): Promise<Connection> {
      const db = await shop.connect();
      await db.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${level}`);
      await db.query('START TRANSACTION');
      await db.query('SELECT COUNT(*) FROM order_timeout_hold');
      return db;
    }

    test('an order that was paid meanwhile is not pending', async () => {
      const shop = await freshShop();
      const order = await dueOrder(shop);
      const db = await withSnapshot(shop);
      await shop.run('UPDATE orders SET status = 2');

      const changed = await changesOf(shop, async () => {
        expect(await cancelExpiredOrder(db, order)).toMatchObject({ outcome: 'not_pending' });
        await db.query('COMMIT');
      });

      expect(changed).toEqual({});
    });

    test('a hold that was set meanwhile is seen', async () => {
      const shop = await freshShop();
      const order = await dueOrder(shop);
      const db = await shop.connect();
      await db.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${level}`);
      await db.query('START TRANSACTION');
      await db.query('SELECT COUNT(*) FROM orders WHERE id = 0');
      await shop.run(
        `INSERT INTO order_timeout_hold (order_id, held_until, held_by, held_at)
         VALUES (?, NOW(3) + INTERVAL 5 MINUTE, 'test', NOW(3))`,
        [order.orderId],
      );

      expect(await cancelExpiredOrder(db, order)).toMatchObject({ outcome: 'on_hold' });
    });

    test('what was taken, returned and left is that of now', async () => {
      const shop = await freshShop();
      const order = await pendingOrder(shop, { coupon: 1000, points: 50 });
      const db = await withSnapshot(shop);
      await shop.run('UPDATE order_coupons SET applied_amount = 800');
      await shop.run('UPDATE user_coupons SET balance_amount = 7');
      await shop.run('UPDATE orders SET points_amount = 40');
      await shop.run('UPDATE user_points SET points = 3');
      await shop.run(
        `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action)
         VALUES (?, ?, 100, ?, 'goodwill')`,
        [order.userId, order.couponId, order.orderId],
      );
      await shop.run(
        `INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id)
         VALUES (?, 'goodwill', 15, 'orders', ?)`,
        [order.userId, String(order.orderId)],
      );

      const changed = await changesOf(shop, async () => {
        expect(await cancelExpiredOrder(db, order)).toMatchObject({ coupon_refunded: 700 });
        await db.query('COMMIT');
      });

      expect(changed).toEqual(
        cancelled({
          order,
          coupons: [{ amount: 700, taken: 800, balance: 7 }],
          points: { amount: 25, taken: 40, before: 3 },
          findings: [
            { what: 'ledger_differs', amount: 800, other: 1000 },
            { what: 'unknown_action', amount: 800, other: 800, detail: 'goodwill' },
            { kind: 'points', what: 'ledger_differs', amount: 40, other: 50 },
            { kind: 'points', what: 'unknown_action', amount: 40, other: 40, detail: 'goodwill' },
          ],
        }),
      );
    });

    test('an order that was cancelled meanwhile is not pending, and what came back is told', async () => {
      const shop = await freshShop();
      const order = await dueOrder(shop);
      const db = await withSnapshot(shop);
      const { outcome, ...first } = await cancelOrder(shop.db, order);

      expect(outcome).toBe('cancelled');
      const changed = await changesOf(shop, async () => {
        expect(await cancelExpiredOrder(db, order)).toEqual({ ...first, outcome: 'not_pending' });
        await db.query('COMMIT');
      });

      expect(changed).toEqual({});
    });

    test('of coupons that came back in several batches the one taken since comes back, and no other', async () => {
      const shop = await freshShop();
      const order = await pendingOrder(shop, { coupon: 1000 });
      const held = { userId: order.userId, status: 'held', usedFor: order.orderId } as const;
      const [first, second, third] = [
        order.couponId,
        await coupon(shop, held),
        await coupon(shop, held),
      ];
      const apply = (couponId: number, amount: number) =>
        shop.run(
          'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, ?, ?)',
          [order.orderId, couponId, amount],
        );
      const db = await withSnapshot(shop);
      await cancelOrder(shop.db, order);
      await apply(second, 300);
      await shop.run('CALL repair_missing_refund(?)', [order.orderId]);
      await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');
      await apply(third, 700);

      expect(await cancelExpiredOrder(db, order)).toMatchObject({
        outcome: 'cancelled',
        coupon_refunded: 700,
      });
      await db.query('COMMIT');

      expect(await shop.run('SELECT id, balance_amount FROM user_coupons ORDER BY id')).toEqual([
        { id: first, balance_amount: 1000 },
        { id: second, balance_amount: 300 },
        { id: third, balance_amount: 700 },
      ]);
      expect(
        await shop.run(
          'SELECT target_id, amount, cause FROM order_timeout_refund ORDER BY target_id',
        ),
      ).toEqual([
        { target_id: first, amount: 1000, cause: 'admin' },
        { target_id: second, amount: 300, cause: 'repair' },
        { target_id: third, amount: 700, cause: 'timeout' },
      ]);
    });

    test('an order that was cancelled and reopened meanwhile gets nothing twice', async () => {
      const shop = await freshShop();
      const order = await dueOrder(shop);
      const db = await withSnapshot(shop);
      await cancelOrder(shop.db, order);
      await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');

      const changed = await changesOf(shop, async () => {
        expect(await cancelExpiredOrder(db, order)).toMatchObject({
          outcome: 'cancelled',
          coupon_refunded: 0,
          points_refunded: 0,
        });
        await db.query('COMMIT');
      });

      expect(changed).toEqual(cancelled({ order, findings: SECOND_TAKE }));
    });

    test('what somebody has settled meanwhile is settled already', async () => {
      const shop = await freshShop();
      const order = await dueOrder(shop);
      await cancelOrder(shop.db, order);
      const pay = (reference: string) =>
        shop.run('CALL accept_payment(?, ?)', [order.orderId, reference]);
      await pay('before');
      const db = await withSnapshot(shop);
      await pay('since');
      await shop.run(
        "INSERT INTO order_timeout_finding (order_id, what, opened_at) VALUES (1, 'short', NOW())",
      );
      const [finding] = await shop.run('SELECT MAX(id) AS id FROM order_timeout_finding');
      const settle: [sql: string, values?: unknown[]][] = [
        ["CALL settle_late_payment('before', NULL)"],
        ["CALL settle_late_payment('since', NULL)"],
        ['CALL settle_finding(?, NULL)', [finding?.id]],
      ];
      for (const [sql, values] of settle) await shop.run(sql, values);

      for (const [sql, values] of settle) {
        const [[rows]] = (await db.query(sql, values)) as unknown as [[unknown[]]];
        expect(rows).toMatchObject([{ outcome: 'already_settled' }]);
      }
      await db.query('COMMIT');
    });

    test('nor when the ledgers have lost what came back meanwhile', async () => {
      const shop = await freshShop();
      const order = await dueOrder(shop);
      const db = await withSnapshot(shop);
      await cancelOrder(shop.db, order);
      await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');
      await shop.run("DELETE FROM user_coupon_ledger WHERE action = 'cancel_refund'");
      await shop.run("DELETE FROM user_points_ledger WHERE action = 'cancel_refund'");

      const changed = await changesOf(shop, async () => {
        expect(await cancelExpiredOrder(db, order)).toMatchObject({ outcome: 'cancelled' });
        await db.query('COMMIT');
      });

      expect(changed).toEqual(
        cancelled({
          order,
          findings: [
            SECOND_TAKE[0],
            { what: 'short', amount: 1000, other: 2000 },
            SECOND_TAKE[1],
            { kind: 'points', what: 'short', amount: 50, other: 100 },
          ],
        }),
      );
    });
  },
);

describe.each(['plain', 'prepared'])('a %s CALL', (how) => {
  test.each([{ flags: ['+FOUND_ROWS'] }, { flags: ['-FOUND_ROWS'] }])(
    'answers and does the same with %o',
    async ({ flags }) => {
      const shop = await freshShop();
      const first = await dueOrder(shop);
      const second = await dueOrder(shop);
      const db = await shop.connect({ flags });
      const run = (sql: string, values: (string | number | null)[]) =>
        how === 'plain' ? db.query(sql, values) : db.execute(sql, values);

      const changed = await changesOf(shop, async () => {
        for (let time = 1; time <= 2; time++) {
          const [[rows]] = (await run('CALL cancel_expired_order(?)', [
            first.orderId,
          ])) as unknown as [[unknown[]]];
          expect(rows).toMatchObject([{ outcome: time === 1 ? 'cancelled' : 'not_pending' }]);
        }
        await run('CALL cancel_expired_orders()', []);
        await run('CALL cancel_order_as_admin(?, ?)', [second.orderId, null]);
      });

      expect(changed).toEqual(
        cancelled(
          [
            { order: first, ...BACK },
            { order: second, ...BACK },
          ],
          2,
        ),
      );
    },
  );
});

describe('the session afterwards is as it was', () => {
  /** Set to what no routine would leave behind. */
  const OWN = [
    `SET time_zone = '-03:30', sql_safe_updates = 1, innodb_lock_wait_timeout = 17, lock_wait_timeout = 19,
         sql_mode = 'ANSI', completion_type = CHAIN, group_concat_max_len = 77, sql_auto_is_null = 1`,
    'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE',
    'SET NAMES latin1 COLLATE latin1_german2_ci',
    'SET @mine = 42',
    'SET last_insert_id = 4711',
  ];
  const MOVING = [
    'gtid_executed',
    'timestamp',
    'rand_seed1',
    'rand_seed2',
    'statement_id',
    'warning_count',
    'error_count',
  ];

  async function sessionOf(db: Connection): Promise<Record<string, unknown>> {
    const [rows] = (await db.query(
      `SELECT variable_name AS name, variable_value AS value FROM performance_schema.session_variables
        UNION ALL SELECT '@mine', @mine
        UNION ALL SELECT 'LAST_INSERT_ID()', LAST_INSERT_ID()`,
    )) as unknown as [{ name: string; value: unknown }[]];
    return Object.fromEntries(
      rows.filter(({ name }) => !MOVING.includes(name)).map(({ name, value }) => [name, value]),
    );
  }

  async function ownSession(shop: Shop): Promise<Connection> {
    const db = await shop.connect();
    for (const setting of OWN) await db.query(setting);
    return db;
  }

  test.each(Object.keys(CALLS))('after %s', async (call) => {
    const shop = await freshShop();
    const order = await dueOrder(shop);
    const db = await ownSession(shop);
    const before = await sessionOf(db);

    const changed = await changesOf(shop, () => CALLS[call]?.(db, order) ?? Promise.resolve());

    expect(changed).toEqual(cancelled({ order, cause: causeOf(call), ...BACK }));
    expect(before).toMatchObject({ last_insert_id: '4711', 'LAST_INSERT_ID()': '4711' });
    expect(await sessionOf(db)).toEqual(before);
  });

  test.each(Object.keys(CALLS))('after %s that had nothing to do', async (call) => {
    const shop = await freshShop();
    const order = await pendingOrder(shop, { ageMinutes: 5, sourceType: 3 });
    const db = await ownSession(shop);
    const before = await sessionOf(db);

    await CALLS[call]?.(db, call === 'cancel_order()' ? { ...order, orderId: 1 } : order);

    expect(await sessionOf(db)).toEqual(before);
  });

  test.each(Object.keys(CALLS))('after an error of an order in %s', async (call) => {
    const shop = await freshShop();
    const order = await dueOrder(shop);
    await failWhen(shop, 'user_points_ledger', 'INSERT');
    const db = await ownSession(shop);
    const before = await sessionOf(db);

    const error = await errorOf(CALLS[call]?.(db, order) ?? Promise.resolve());

    expect(error?.errno).toBe(call === 'cancel_expired_orders()' ? undefined : 1644);
    expect(await sessionOf(db)).toEqual(before);
  });

  test.each(Object.keys(CALLS))('after %s without settings', async (call) => {
    const shop = await freshShop();
    const order = await dueOrder(shop);
    await shop.run('DELETE FROM order_timeout_setting');
    const db = await ownSession(shop);
    const before = await sessionOf(db);

    expect(await errorOf(CALLS[call]?.(db, order) ?? Promise.resolve())).toMatchObject({
      errno: 50003,
    });

    expect(await sessionOf(db)).toEqual(before);
  });

  test.each(Object.keys(CALLS).slice(0, 2))(
    'inside its transaction after %s and after an error in it, its savepoints too',
    async (call) => {
      const shop = await freshShop();
      const [order, bad] = [await dueOrder(shop), await dueOrder(shop)];
      await failWhen(shop, 'user_coupons', 'UPDATE', `NEW.id = ${bad.couponId}`);
      const db = await ownSession(shop);
      const cancel = CALLS[call] ?? (() => Promise.resolve());
      const insert = (id: number) =>
        db.query('INSERT INTO user_points (id, user_id, points) VALUES (?, 1, 0)', [id]);

      const changed = await changesOf(shop, async () => {
        await db.query('START TRANSACTION');
        await insert(1);
        await db.query('SAVEPOINT mine');
        await insert(2);
        await db.query('SAVEPOINT "order"');
        await db.query('SET last_insert_id = 4711');
        const before = await sessionOf(db);
        await cancel(db, order);
        expect(await errorOf(cancel(db, bad))).toMatchObject({ errno: 1644 });
        expect(await sessionOf(db)).toEqual(before);
        await insert(3);
        await db.query('ROLLBACK TO SAVEPOINT "order"');
        await db.query('RELEASE SAVEPOINT "order"');
        await db.query('ROLLBACK TO SAVEPOINT mine');
        await db.query('COMMIT AND NO CHAIN');
      });

      expect(changed).toEqual({
        user_points: [{ user_id: 1, nth: 1, points: 0, has_valid_end: 0 }],
      });
    },
  );

  test('completion_type CHAIN has opened no transaction behind the caller’s back', async () => {
    const shop = await freshShop();
    const order = await dueOrder(shop);
    const db = await shop.connect();
    await db.query('SET completion_type = CHAIN');
    await cancelExpiredOrder(db, order);

    expect(await sweep(db)).toMatchObject({ outcome: 'completed' });
    const changed = await changesOf(shop, async () => {
      await db.query('INSERT INTO user_points (user_id, points) VALUES (1, 5)');
      await db.query('ROLLBACK AND NO CHAIN');
    });
    expect(changed.user_points).toHaveLength(1);
  });

  test.each(['cancelled', 'not_pending', 'not_owner', 'not_found'])(
    'a transaction that comes next has the isolation level of the session: %s',
    async (outcome) => {
      const shop = await freshShop();
      const order = await dueOrder(shop);
      const db = await shop.connect();
      if (outcome === 'not_pending') await sweep(db);
      const calls: Record<string, () => Promise<unknown>> = {
        not_owner: () => cancelOrder(db, order, order.userId + 1),
        not_found: () => cancelExpiredOrder(db, 1),
      };
      expect(await (calls[outcome]?.() ?? cancelExpiredOrder(db, order))).toMatchObject({
        outcome,
      });

      await db.query('START TRANSACTION');
      await db.query('SELECT * FROM user_points');
      const [before] = await db.query('SELECT points FROM user_points');
      await shop.run('UPDATE user_points SET points = 99');

      expect((await db.query('SELECT points FROM user_points'))[0]).toEqual(before);
    },
  );
});

test('sql_safe_updates is no matter in a large shop either', async () => {
  const shop = await freshShop();
  await shop.run(
    `INSERT INTO orders (order_no, user_id, status, source_type, created_at)
     WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000)
     SELECT CONCAT('paid ', one.n, ' ', other.n), one.n, 2, 1, '2026-01-31' FROM n AS one JOIN n AS other ON other.n <= 5`,
  );
  await shop.run(
    'INSERT INTO user_points (id, user_id, points) SELECT id + 1000000, user_id, 1 FROM orders',
  );
  await shop.run('INSERT INTO user_coupons (id, user_id) SELECT id + 1000000, user_id FROM orders');
  await shop.run('ANALYZE TABLE orders, user_points, user_coupons');
  const first = await pendingOrder(shop, { orderId: 900_001, coupon: 1000, points: 50 });
  const second = await pendingOrder(shop, { orderId: 900_002, coupon: 1000, points: 50 });
  const db = await shop.connect();
  await db.query('SET sql_safe_updates = 1, sql_select_limit = 1000, max_join_size = 1000000');

  const changed = await changesOf(shop, async () => {
    await cancelExpiredOrder(db, first);
    expect(await sweep(db)).toMatchObject({ cancelled: 1, failed: 0 });
  });

  expect(changed).toEqual(
    cancelled(
      [
        { order: first, ...BACK },
        { order: second, ...BACK },
      ],
      2,
    ),
  );
});

test('two callers with a READ COMMITTED transaction each cancel two orders without waiting', async () => {
  const shop = await freshShop();
  const [first, second] = [await dueOrder(shop), await dueOrder(shop)];
  const [one, other] = [await shop.connect(), await shop.connect()];
  await one.query('SET innodb_lock_wait_timeout = 1');
  await other.query('SET innodb_lock_wait_timeout = 1');

  const changed = await changesOf(shop, async () => {
    for (const db of [one, other]) {
      await db.query('SET TRANSACTION ISOLATION LEVEL READ COMMITTED');
      await db.query('START TRANSACTION');
    }
    await cancelExpiredOrder(one, first);
    await cancelExpiredOrder(other, second);
    await one.query('COMMIT');
    await other.query('COMMIT');
  });

  expect(changed).toEqual(
    cancelled(
      [
        { order: first, ...BACK },
        { order: second, ...BACK },
      ],
      2,
    ),
  );
});
