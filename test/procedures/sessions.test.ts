import type { Connection } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import {
  type BuiltOrder,
  changesOf,
  coupon,
  couponLedgerRow,
  pendingOrder,
  pointsLedgerRow,
  type Shop,
  type State,
  shopOfFile,
} from '../support';
import { call, cancelExpiredOrder, cancelOrder, errorOf, hold, sweep } from './calls';
import { cancelled } from './cancelled';
import { failWhen } from './obstacles';

/** The shop's clock is none of those that the sessions below have. */
const shop = shopOfFile({ clock: '+05:45' });

const BACK = { coupons: [{ amount: 1000 }], points: 50 };
const dueOrder = (shop: Shop) => pendingOrder(shop, { coupon: 1000, points: 50 });

const CALLS = {
  'cancel_expired_order()': cancelExpiredOrder,
  'cancel_order()': (db: Connection, order: BuiltOrder) => cancelOrder(db, order, order.userId),
  'cancel_expired_orders()': (db: Connection) => sweep(db),
};
type Call = keyof typeof CALLS;
const EACH = Object.keys(CALLS) as Call[];
const causeOf = (call: Call) => (call === 'cancel_order()' ? 'user' : 'timeout');

/** As callers may have them. Isolation levels, and more time zones and SQL modes, are test/oracle's. */
const SETTINGS = [
  "time_zone = '-12:00'",
  "time_zone = '+14:00'",
  "sql_mode = ''",
  "sql_mode = 'ANSI'",
  "sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,NO_UNSIGNED_SUBTRACTION,HIGH_NOT_PRECEDENCE,IGNORE_SPACE,PAD_CHAR_TO_FULL_LENGTH,REAL_AS_FLOAT,TIME_TRUNCATE_FRACTIONAL'",
  'completion_type = CHAIN',
  "completion_type = 'RELEASE'",
  'sql_safe_updates = 1, sql_select_limit = 1, max_join_size = 1000',
  'NAMES utf8mb4 COLLATE utf8mb4_bin',
  'NAMES latin1 COLLATE latin1_german2_ci',
  'sql_auto_is_null = 1',
  'group_concat_max_len = 4',
  "optimizer_switch = 'materialization=off,semijoin=off,derived_merge=off,hash_join=off,block_nested_loop=off,mrr=off'",
  'auto_increment_increment = 7, auto_increment_offset = 3',
  'SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE',
];

describe.for(SETTINGS)('after SET %s', (setting) => {
  test.for(EACH)('%s does what it does in any session', async (name) => {
    const order = await dueOrder(shop);
    await pendingOrder(shop, { ageMinutes: 29 });
    const db = await shop.connect();
    await db.query(`SET ${setting}`);

    const changed = await changesOf(shop, () => CALLS[name](db, order));

    expect(changed).toEqual(cancelled({ order, cause: causeOf(name), ...BACK }));
  });
});

test('a short group_concat_max_len cuts no answer', async () => {
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
    await shop.column("SELECT detail FROM order_timeout_finding WHERE what = 'broken_invariant'"),
  ).toEqual([`coupon ${couponId}: 1000 given back with 0 rows in the ledger`]);
});

/** What dueOrder() took came back before; and the ledgers have lost that it did. */
const SECOND_TAKE = [
  { what: 'second_take', amount: 1000, other: 1000 },
  { kind: 'points', what: 'second_take', amount: 50, other: 50 },
] as const;
const SHORT = [
  { what: 'short', amount: 1000, other: 2000 },
  { kind: 'points', what: 'short', amount: 50, other: 100 },
] as const;

async function cancelAndReopen(shop: Shop, order: BuiltOrder) {
  await cancelOrder(shop.db, order);
  await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');
}

/** What others commit between the first read of the caller's transaction and its call. */
const MEANWHILE: Record<
  string,
  {
    happens: (shop: Shop, order: BuiltOrder) => Promise<unknown>;
    answer: object;
    changes?: (order: BuiltOrder) => State;
  }
> = {
  'is paid: it is not pending': {
    happens: (shop) => shop.run('UPDATE orders SET status = 2'),
    answer: { outcome: 'not_pending', coupon_refunded: 0 },
  },
  'is held: it is on hold': { happens: hold, answer: { outcome: 'on_hold' } },
  'is cancelled: what came back then is told': {
    happens: (shop, order) => cancelOrder(shop.db, order),
    answer: { outcome: 'not_pending', coupon_refunded: 1000, points_refunded: 50 },
  },
  'is cancelled and reopened: nothing comes back twice': {
    happens: cancelAndReopen,
    answer: { outcome: 'cancelled', coupon_refunded: 0, points_refunded: 0 },
    changes: (order) => cancelled({ order, findings: SECOND_TAKE }),
  },
  'is so, and the ledgers have lost it: the journal remembers': {
    happens: async (shop, order) => {
      await cancelAndReopen(shop, order);
      await shop.run("DELETE FROM user_coupon_ledger WHERE action = 'cancel_refund'");
      await shop.run("DELETE FROM user_points_ledger WHERE action = 'cancel_refund'");
    },
    answer: { outcome: 'cancelled', coupon_refunded: 0, points_refunded: 0 },
    changes: (order) =>
      cancelled({ order, findings: [SECOND_TAKE[0], SHORT[0], SECOND_TAKE[1], SHORT[1]] }),
  },
  'loses its user’s row of points: a new one gets them': {
    happens: (shop) => shop.run('DELETE FROM user_points'),
    answer: { outcome: 'cancelled', points_refunded: 50 },
    changes: (order) =>
      cancelled({ order, coupons: [{ amount: 1000 }], points: { amount: 50, before: null } }),
  },
  'takes and gets back other amounts: those of now count': {
    happens: async (shop, order) => {
      await shop.run('UPDATE order_coupons SET applied_amount = 800');
      await shop.run('UPDATE user_coupons SET balance_amount = 7');
      await shop.run('UPDATE orders SET points_amount = 40');
      await shop.run('UPDATE user_points SET points = 3');
      await couponLedgerRow(shop, { ...order, change: 100, action: 'goodwill' });
      await pointsLedgerRow(shop, { ...order, points: 15, action: 'goodwill' });
    },
    answer: { outcome: 'cancelled', coupon_refunded: 700, points_refunded: 25 },
    changes: (order) =>
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
  },
};

describe.for(['REPEATABLE READ', 'SERIALIZABLE', 'READ COMMITTED', 'READ UNCOMMITTED'])(
  'in a %s transaction with an old snapshot, an order that meanwhile',
  (level) => {
    async function withSnapshot(shop: Shop): Promise<Connection> {
      const db = await shop.connect();
      await db.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${level}`);
      await db.query('START TRANSACTION');
      await db.query('SELECT COUNT(*) FROM orders WHERE id = 0');
      return db;
    }

    test.for(Object.entries(MEANWHILE))('%s', async ([, meanwhile]) => {
      const order = await dueOrder(shop);
      const db = await withSnapshot(shop);
      await meanwhile.happens(shop, order);

      const changed = await changesOf(shop, async () => {
        expect(await cancelExpiredOrder(db, order)).toMatchObject(meanwhile.answer);
        await db.query('COMMIT');
      });

      expect(changed).toEqual(meanwhile.changes?.(order) ?? {});
    });

    test('has what somebody settles is settled already', async () => {
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

    test('gets two of its three coupons back, each in a batch of its own, gets the third', async () => {
      const order = await pendingOrder(shop, { coupon: 1000 });
      const take = async (amount: number) => {
        const { orderId, userId } = order;
        const id = await coupon(shop, { userId, status: 'held', usedFor: orderId });
        await shop.run(
          'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, ?, ?)',
          [orderId, id, amount],
        );
        return id;
      };
      const db = await withSnapshot(shop);
      await cancelOrder(shop.db, order);
      const second = await take(300);
      await call(shop.db, 'repair_missing_refund(?)', order.orderId);
      await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');
      const third = await take(700);

      expect(await cancelExpiredOrder(db, order)).toMatchObject({ coupon_refunded: 700 });
      await db.query('COMMIT');

      expect(
        await shop.run(
          `SELECT target_id, balance_amount, amount, cause FROM order_timeout_refund
             JOIN user_coupons ON user_coupons.id = target_id ORDER BY target_id`,
        ),
      ).toEqual([
        { target_id: order.couponId, balance_amount: 1000, amount: 1000, cause: 'admin' },
        { target_id: second, balance_amount: 300, amount: 300, cause: 'repair' },
        { target_id: third, balance_amount: 700, amount: 700, cause: 'timeout' },
      ]);
    });
  },
);

test('an order that is newer than the snapshot of its transaction gives a user without a row of points a new one', async () => {
  const db = await shop.connect();
  await db.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
  await db.query('START TRANSACTION WITH CONSISTENT SNAPSHOT');
  const order = await pendingOrder(shop, { points: 50, pointsLeft: null });

  const changed = await changesOf(shop, async () => {
    expect(await cancelExpiredOrder(db, order)).toMatchObject({ points_refunded: 50 });
    await db.query('COMMIT');
  });

  expect(changed).toEqual(cancelled({ order, points: { amount: 50, before: null } }));
});

test.for(['+FOUND_ROWS', '-FOUND_ROWS'])('a prepared CALL does the same, with %s', async (flag) => {
  const order = await dueOrder(shop);
  const db = await shop.connect({ flags: [flag] });

  const changed = await changesOf(shop, async () => {
    for (const outcome of ['cancelled', 'not_pending']) {
      const [sets] = await db.execute('CALL cancel_expired_order(?)', [order.orderId]);
      expect(sets).toMatchObject({ 0: [{ outcome }] });
    }
    await db.execute('CALL cancel_expired_orders()');
  });

  expect(changed).toEqual(cancelled({ order, ...BACK }));
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
  const MOVING = /^(gtid_executed|timestamp|rand_seed\d|statement_id|warning_count|error_count)$/;

  async function sessionOf(db: Connection): Promise<Record<string, unknown>> {
    const [rows] = (await db.query(
      `SELECT variable_name AS name, variable_value AS value FROM performance_schema.session_variables
        UNION ALL SELECT '@mine', @mine
        UNION ALL SELECT 'LAST_INSERT_ID()', LAST_INSERT_ID()`,
    )) as unknown as [{ name: string; value: unknown }[]];
    const still = rows.filter(({ name }) => !MOVING.test(name));
    return Object.fromEntries(still.map(({ name, value }) => [name, value]));
  }

  async function ownSession(shop: Shop): Promise<Connection> {
    const db = await shop.connect();
    for (const setting of OWN) await db.query(setting);
    return db;
  }

  /** What is done before each call, and the error that it ends with. */
  const SITUATIONS: Record<string, [before: (shop: Shop) => Promise<unknown>, errno?: number]> = {
    'its work': [() => Promise.resolve()],
    'finding nothing to do': [(shop) => shop.run('UPDATE orders SET status = 2')],
    'an error of an order': [(shop) => failWhen(shop, 'user_points_ledger', 'INSERT'), 1644],
    'the loss of its settings': [(shop) => shop.run('DELETE FROM order_timeout_setting'), 50003],
  };

  describe.for(Object.entries(SITUATIONS))('after %s', ([, [prepare, errno]]) => {
    test.for(EACH)('in %s', async (name) => {
      const order = await dueOrder(shop);
      await prepare(shop);
      const db = await ownSession(shop);
      const before = await sessionOf(db);
      expect(before).toMatchObject({ last_insert_id: '4711', 'LAST_INSERT_ID()': '4711' });

      const error = await errorOf(CALLS[name](db, order));

      const isRecorded = errno === 1644 && name === 'cancel_expired_orders()';
      expect(error?.errno).toBe(isRecorded ? undefined : errno);
      expect(await sessionOf(db)).toEqual(before);
    });
  });

  test.for(EACH.slice(0, 2))(
    'inside its transaction after %s and after an error in it, its savepoints too',
    async (name) => {
      const [order, bad] = [await dueOrder(shop), await dueOrder(shop)];
      await failWhen(shop, 'user_coupons', 'UPDATE', `NEW.id = ${bad.couponId}`);
      const db = await ownSession(shop);
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
        await CALLS[name](db, order);
        expect(await errorOf(CALLS[name](db, bad))).toMatchObject({ errno: 1644 });
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
    const db = await shop.connect();
    await db.query('SET completion_type = CHAIN');
    await cancelExpiredOrder(db, await dueOrder(shop));

    expect(await sweep(db)).toMatchObject({ outcome: 'completed' });
    const changed = await changesOf(shop, async () => {
      await db.query('INSERT INTO user_points (user_id, points) VALUES (1, 5)');
      await db.query('ROLLBACK AND NO CHAIN');
    });
    expect(changed.user_points).toHaveLength(1);
  });

  test.for(['cancelled', 'not_pending', 'not_owner', 'not_found'])(
    'a transaction that comes next has the isolation level of the session: %s',
    async (outcome) => {
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

  const both = [first, second].map((order) => ({ order, ...BACK }));
  expect(changed).toEqual(cancelled(both, 2));
});
