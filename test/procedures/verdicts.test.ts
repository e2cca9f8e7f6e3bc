import { describe, expect, test } from 'vitest';
import { type BuiltOrder, changesOf, createShop, order, pendingOrder, type Shop } from '../support';
import { cancelExpiredOrder, cancelOrder, configure, errorOf, sweep } from './calls';
import { cancelled } from './cancelled';
import { shopOfFile } from './shop-of-file';

const freshShop = shopOfFile();

const NOTHING = { coupon: '0', points: '0' };
const STATUS = { pending: 1, paid: 2, cancelled: 3 };

async function hold(shop: Shop, { orderId }: BuiltOrder, minutes: number): Promise<void> {
  await shop.run(
    `INSERT INTO order_timeout_hold (order_id, held_until, held_by, held_at)
     VALUES (?, NOW(3) + INTERVAL ? MINUTE, 'test', NOW(3))`,
    [orderId, minutes],
  );
}

describe('cancel_expired_order', () => {
  test.each([
    { outcome: 'not_found', of: 'an order that is not there', given: undefined },
    { outcome: 'not_pending', of: 'a paid order', given: { status: 'paid' } },
    { outcome: 'not_pending', of: 'a cancelled order', given: { status: 'cancelled' } },
    { outcome: 'excluded', of: 'a source type that never times out', given: { sourceType: 3 } },
    { outcome: 'not_expired', of: 'an order that is too young', given: { ageMinutes: 29 } },
  ] as const)('answers $outcome for $of, and changes nothing', async ({ outcome, given }) => {
    const shop = await freshShop();
    const built = given && (await order(shop, { coupon: 1000, points: 50, ...given }));

    const changed = await changesOf(shop, async () => {
      expect(await cancelExpiredOrder(shop.db, built ?? 4711)).toEqual({
        order_id: built?.orderId ?? 4711,
        outcome,
        coupon_refunded: 0,
        points_refunded: 0,
        cancelled_at: null,
        expires_at: outcome === 'not_expired' ? (expect.any(Date) as Date) : null,
        returned: NOTHING,
        clock: '+00:00',
      });
    });

    expect(changed).toEqual({});
  });

  test('answers on_hold while its user is at the cashier, and changes nothing', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { coupon: 1000 });
    await hold(shop, built, 5);

    const changed = await changesOf(shop, async () => {
      const answer = await cancelExpiredOrder(shop.db, built);
      expect(answer.outcome).toBe('on_hold');
      expect(
        await shop.run('SELECT held_until = ? AS tells_until FROM order_timeout_hold', [
          answer.expires_at,
        ]),
      ).toEqual([{ tells_until: 1 }]);
    });

    expect(changed).toEqual({});
  });

  test('takes no notice of a hold that is over', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop);
    await hold(shop, built, -1);

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toMatchObject(cancelled({ order: built }));
  });

  test('answers cancelled with what came back and when, in the clock of the shop', async () => {
    const shop = await createShop({ clock: '+08:00' });
    const built = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const db = await shop.connect({ dateStrings: true });

    const changed = await changesOf(shop, async () => {
      const answer = await cancelExpiredOrder(db, built);

      expect(answer).toEqual({
        order_id: built.orderId,
        outcome: 'cancelled',
        coupon_refunded: 1000,
        points_refunded: 50,
        cancelled_at: expect.stringMatching(/^\d{4}(-\d\d){2} \d\d:\d\d:\d\d\.\d{3}$/) as string,
        expires_at: null,
        returned: { coupon: '1000', points: '50' },
        clock: '+08:00',
      });
      expect(
        await shop.run(
          `SELECT cancelled_at = ? AS is_answered, cancelled_at BETWEEN NOW(3) - INTERVAL 1 MINUTE AND NOW(3) AS is_now
             FROM orders`,
          [answer.cancelled_at],
        ),
      ).toEqual([{ is_answered: 1, is_now: 1 }]);
    });

    expect(changed).toEqual(cancelled({ order: built, coupons: [{ amount: 1000 }], points: 50 }));
  });

  test('answers a repeated call with what the first one did, by whichever way', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { coupon: 1000, points: 50 });
    const { outcome, ...first } = await cancelExpiredOrder(shop.db, built);
    expect(outcome).toBe('cancelled');

    for (const again of [
      cancelExpiredOrder(shop.db, built),
      cancelOrder(shop.db, built, built.userId),
      cancelOrder(shop.db, built),
    ]) {
      expect(await again).toEqual({ outcome: 'not_pending', ...first });
    }
    expect(await cancelOrder(shop.db, built, built.userId + 1)).toMatchObject({
      outcome: 'not_owner',
      coupon_refunded: 0,
      cancelled_at: null,
    });
  });

  test('judges in one order: not_pending, excluded, on_hold, not_expired', async () => {
    const shop = await freshShop();
    const built = await order(shop, { status: 'paid', sourceType: 3, ageMinutes: 5 });
    await hold(shop, built, 5);
    const outcome = async () => (await cancelExpiredOrder(shop.db, built)).outcome;

    const outcomes = [await outcome()];
    await shop.run('UPDATE orders SET status = ?', [STATUS.pending]);
    outcomes.push(await outcome());
    await shop.run('UPDATE orders SET source_type = 1');
    outcomes.push(await outcome());
    await shop.run('DELETE FROM order_timeout_hold');
    outcomes.push(await outcome());
    await shop.run('UPDATE orders SET created_at = created_at - INTERVAL 30 MINUTE');
    outcomes.push(await outcome());

    expect(outcomes).toEqual(['not_pending', 'excluded', 'on_hold', 'not_expired', 'cancelled']);
  });

  test.each([
    { minutes: 30, ageMinutes: 30.1, outcome: 'cancelled' },
    { minutes: 30, ageMinutes: 29, outcome: 'not_expired' },
    { minutes: 45, ageMinutes: 44, outcome: 'not_expired' },
    { minutes: 45, ageMinutes: 45.1, outcome: 'cancelled' },
  ])(
    'by default $minutes minutes: an order of $ageMinutes is $outcome',
    async ({ minutes, ageMinutes, outcome }) => {
      const shop = await freshShop();
      await configure(shop, { default_timeout_minutes: minutes });
      const built = await pendingOrder(shop, { ageMinutes });

      expect(await cancelExpiredOrder(shop.db, built)).toMatchObject({ outcome });
    },
  );

  test('a source type may have a timeout of its own, or the default, or none', async () => {
    const shop = await freshShop();
    await shop.run(
      'INSERT INTO order_timeout_policy (source_type, enabled, timeout_minutes) VALUES (1, 1, 10), (2, 1, NULL), (4, 0, 10)',
    );
    const outcomes = [];
    for (const [sourceType, ageMinutes] of [
      [1, 11],
      [1, 9],
      [2, 29],
      [2, 31],
      [4, 600],
      [5, 31],
    ]) {
      const built = await pendingOrder(shop, {
        sourceType: sourceType ?? 0,
        ageMinutes: ageMinutes ?? 0,
      });
      outcomes.push((await cancelExpiredOrder(shop.db, built)).outcome);
    }

    expect(outcomes).toEqual([
      'cancelled',
      'not_expired',
      'not_expired',
      'cancelled',
      'excluded',
      'cancelled',
    ]);
  });
});

describe('cancel_order', () => {
  test('cancels an order for its user, whatever its age, type and hold', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, {
      coupon: 700,
      ageMinutes: 1,
      sourceType: 3,
      points: 5,
    });
    await hold(shop, built, 5);

    const changed = await changesOf(shop, async () => {
      expect(await cancelOrder(shop.db, built, built.userId)).toMatchObject({
        order_id: built.orderId,
        outcome: 'cancelled',
        coupon_refunded: 700,
        points_refunded: 5,
      });
    });

    expect(changed).toMatchObject(
      cancelled({
        order: built,
        cause: 'user',
        sourceType: 3,
        coupons: [{ amount: 700 }],
        points: 5,
      }),
    );
  });

  test('cancel_order_as_admin cancels anybody’s order', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { coupon: 700, ageMinutes: 1 });

    const changed = await changesOf(shop, () => cancelOrder(shop.db, built));

    expect(changed).toEqual(
      cancelled({ order: built, cause: 'admin', coupons: [{ amount: 700 }] }),
    );
  });

  test('judges in one order: not_found, not_owner, not_pending', async () => {
    const shop = await freshShop();
    const built = await order(shop, { status: 'paid', coupon: 700 });
    const other = built.userId + 1;

    const changed = await changesOf(shop, async () => {
      expect(await cancelOrder(shop.db, 4711, other)).toMatchObject({ outcome: 'not_found' });
      expect(await cancelOrder(shop.db, built, other)).toMatchObject({ outcome: 'not_owner' });
      expect(await cancelOrder(shop.db, built, built.userId)).toMatchObject({
        outcome: 'not_pending',
      });
      expect(await cancelOrder(shop.db, built)).toMatchObject({ outcome: 'not_pending' });
    });

    expect(changed).toEqual({});
  });

  test.each(['alone', 'in a transaction'])(
    'nobody cancels the pending order of somebody else, %s',
    async (how) => {
      const shop = await freshShop();
      const built = await pendingOrder(shop, { coupon: 700 });
      const db = await shop.connect();

      const changed = await changesOf(shop, async () => {
        if (how === 'in a transaction') await db.query('START TRANSACTION');
        expect(await cancelOrder(db, built, built.userId + 1)).toMatchObject({
          outcome: 'not_owner',
          coupon_refunded: 0,
          cancelled_at: null,
        });
        await db.query('COMMIT');
      });

      expect(changed).toEqual({});
    },
  );

  test('an order that has no user belongs to nobody', async () => {
    const shop = await createShop({
      schema: (sql) => sql.replaceAll('user_id BIGINT NOT NULL', 'user_id BIGINT NULL'),
    });
    const built = await pendingOrder(shop, { coupon: 1000 });
    await shop.run('UPDATE orders SET user_id = NULL');

    const changed = await changesOf(shop, async () => {
      expect(await cancelOrder(shop.db, built, built.userId)).toMatchObject({
        outcome: 'not_owner',
      });
    });

    expect(changed).toEqual({});
    expect(await sweep(shop.db)).toMatchObject({ cancelled: 1, failed: 0, coupon_refunded: 1000 });
    expect(
      await shop.run(
        `SELECT refund.user_id, cancellation.user_id AS cancelled_for, amount
           FROM order_timeout_refund AS refund JOIN order_timeout_cancellation AS cancellation USING (order_id)`,
      ),
    ).toEqual([{ user_id: 0, cancelled_for: 0, amount: 1000 }]);
    expect(await shop.run('SELECT * FROM order_timeout_violation')).toEqual([]);
  });
});

test('an order without a usable age is contradictory to the timeout, and a finding; its user may cancel it', async () => {
  const shop = await createShop({
    schema: (sql) =>
      sql
        .replace('status TINYINT NOT NULL', 'status TINYINT NULL')
        .replaceAll('created_at DATETIME(3) NOT NULL', 'created_at DATETIME(3) NULL'),
  });
  await shop.run("SET sql_mode = ''");
  const ages = ['NULL', "'0000-00-00'", "'0999-12-31 23:59:59'"];
  const orders: BuiltOrder[] = [];
  for (const age of ages) {
    const built = await pendingOrder(shop, { coupon: 1000 });
    await shop.run(`UPDATE orders SET created_at = ${age} WHERE id = ?`, [built.orderId]);
    orders.push(built);
  }
  const stateless = await pendingOrder(shop, { coupon: 1000 });
  await shop.run('UPDATE orders SET status = NULL WHERE id = ?', [stateless.orderId]);

  const changed = await changesOf(shop, async () => {
    for (const built of orders) {
      expect(await cancelExpiredOrder(shop.db, built)).toMatchObject({
        outcome: 'contradictory',
        expires_at: null,
      });
    }
    expect(await cancelExpiredOrder(shop.db, stateless)).toMatchObject({ outcome: 'not_pending' });
    await shop.run('CALL reconcile_orders(NULL)');
    expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 0 });
  });

  expect(changed).toEqual({
    order_timeout_finding: orders.map(({ orderId }) => ({
      order_id: orderId,
      kind: '',
      target_id: 0,
      what: 'contradictory',
      amount: 0,
      other_amount: 0,
      detail: '',
      remark: '',
      is_open: 1,
    })),
  });
  for (const built of orders) {
    expect(await cancelOrder(shop.db, built, built.userId)).toMatchObject({
      outcome: 'cancelled',
      coupon_refunded: 1000,
    });
  }
});

test.each([null, 0, -1, '-9223372036854775808'])(
  'the id %s is refused with the name of its parameter, that of a user too',
  async (id) => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { coupon: 1000 });
    const refusal = (parameter: string) => ({
      errno: 50001,
      sqlState: '45000',
      message: `INVALID_ID: ${parameter} must be a positive id, but is ${id ?? 'NULL'}`,
    });

    const changed = await changesOf(shop, async () => {
      expect(await errorOf(cancelExpiredOrder(shop.db, id))).toEqual(refusal('p_order_id'));
      expect(await errorOf(cancelOrder(shop.db, id))).toEqual(refusal('p_order_id'));
      expect(await errorOf(cancelOrder(shop.db, built, id))).toEqual(refusal('p_user_id'));
    });

    expect(changed).toEqual({});
  },
);

test('without its settings the engine decides nothing, and says what is missing', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { coupon: 1000 });
  await shop.run('DELETE FROM order_timeout_setting');

  const changed = await changesOf(shop, async () => {
    expect(await errorOf(cancelExpiredOrder(shop.db, built))).toMatchObject({
      errno: 50003,
      message: expect.stringContaining('order_timeout_setting has lost its row') as string,
    });
    expect(await errorOf(sweep(shop.db))).toMatchObject({ errno: 50003 });
    expect(await errorOf(cancelOrder(shop.db, built))).toMatchObject({ errno: 50003 });
  });

  expect(changed).toEqual({});
});

const BIGINT = 8;

test('ids and amounts of the results are BIGINT, never DECIMAL', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { coupon: 1000, points: 50 });
  await pendingOrder(shop, { coupon: 1000, points: 50 });
  const typesOf = async (sql: string) => {
    const [, [fields]] = (await shop.db.query(sql)) as unknown as [
      unknown,
      [{ name: string; columnType: number }[]],
    ];
    return Object.fromEntries(fields.map(({ name, columnType }) => [name, columnType]));
  };

  expect(await typesOf(`CALL cancel_expired_order(${built.orderId})`)).toMatchObject({
    order_id: BIGINT,
    coupon_refunded: BIGINT,
    points_refunded: BIGINT,
  });
  expect(await typesOf('CALL cancel_expired_orders()')).toMatchObject({
    run_id: BIGINT,
    cancelled: BIGINT,
    coupon_refunded: BIGINT,
    points_refunded: BIGINT,
    failed: BIGINT,
    duration_ms: BIGINT,
  });
});
