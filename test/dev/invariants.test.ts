import { beforeEach, describe, expect, test } from 'vitest';
import { findBalanceViolations, findViolations, takeBaseline } from '../../scripts/dev/invariants';
import { type BuiltOrder, pendingOrder, shopOfFile } from '../support';

const shop = shopOfFile();
let order: BuiltOrder;

beforeEach(async () => {
  order = await pendingOrder(shop, { coupon: 1000, couponStatus: 'used up', points: 50 });
});

describe('a sound shop', () => {
  const reopened = () =>
    shop.run(
      'SELECT order_id, status, kind, target_id, amount FROM order_timeout_reopened ORDER BY kind',
    );

  test('has no violation and nothing for a person, however its orders ended', async () => {
    await pendingOrder(shop, { coupon: 300, couponIn: 'ledger', points: 7, pointsLeft: null });
    await pendingOrder(shop, { coupons: [{ amount: 100 }, { amount: 200 }] });
    const young = await pendingOrder(shop, { coupon: 20, points: 5, ageMinutes: 1 });
    const baseline = await takeBaseline(shop.db);

    await shop.run('CALL cancel_expired_order(?)', [order.orderId]);
    await shop.run('CALL cancel_order(?, ?, NULL)', [young.orderId, young.userId]);
    await shop.run('CALL cancel_expired_orders()');

    expect(await findViolations(shop.db)).toEqual([]);
    expect(await findBalanceViolations(shop.db, baseline)).toEqual([]);
    expect(await reopened()).toEqual([]);
  });

  test('may reopen an order: its refunds are listed for a person, the next cancel adds an entry of zero', async () => {
    await shop.run('CALL cancel_expired_order(?)', [order.orderId]);
    await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');
    const refunds = { order_id: order.orderId, status: 1 };
    expect(await reopened()).toEqual([
      { ...refunds, kind: 'coupon', target_id: order.couponId, amount: 1000 },
      { ...refunds, kind: 'points', target_id: 0, amount: 50 },
    ]);

    await shop.run('CALL cancel_expired_order(?)', [order.orderId]);

    expect(await reopened()).toEqual([]);
    expect(await findViolations(shop.db)).toEqual([]);
  });

  test('may have had returns of its own before: they are part of what was taken', async () => {
    await shop.run(
      `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
       VALUES (?, ?, 500, ?, 'cancel_refund', NOW(3) - INTERVAL 1 MINUTE)`,
      [order.userId, order.couponId, order.orderId],
    );
    await shop.run('CALL cancel_order_as_admin(?, NULL)', [order.orderId]);

    expect(await findViolations(shop.db)).toEqual([]);
  });
});

describe('the invariant', () => {
  const violations = async () =>
    (await findViolations(shop.db)).map(
      ({ invariant, detail }) =>
        `${invariant}: ${detail.replace(String(order.couponId), 'of the order')}`,
    );

  test.each([
    {
      broken: 'a refund without an entry in the journal',
      sql: 'DELETE FROM order_timeout_cancellation',
      found: [
        'journal: coupon of the order: 1000 given back without a row in order_timeout_cancellation',
        'journal: points 0: 50 given back without a row in order_timeout_cancellation',
      ],
    },
    {
      broken: 'a refund that was claimed for nobody',
      sql: "UPDATE order_timeout_refund SET account_id = 0 WHERE kind = 'points'",
      found: ['journal: points 0: 50 claimed for nobody'],
    },
    {
      broken: 'a coupon refund without its ledger row',
      sql: "DELETE FROM user_coupon_ledger WHERE action = 'timeout_refund'",
      found: ['ledger: coupon of the order: 1000 given back with 0 rows in the ledger'],
    },
    {
      broken: 'a points refund with another amount in the ledger',
      sql: "UPDATE user_points_ledger SET points = 49 WHERE action = 'timeout_refund'",
      found: ['ledger: points 0: 50 given back with 0 rows in the ledger'],
    },
    {
      broken: 'a coupon that came back twice',
      sql: `INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
            SELECT user_id, user_coupon_id, change_amount, order_id, action, created_at
              FROM user_coupon_ledger WHERE action = 'timeout_refund'`,
      found: [
        'excess: coupon of the order: 2000 given back of 1000 taken',
        'twice: coupon of the order: 1000 given back with 2 rows in the ledger',
      ],
    },
    {
      broken: 'points that came back twice',
      sql: `INSERT INTO user_points_ledger (user_id, points, action, ref_table, ref_id, created_at)
            SELECT user_id, points, action, ref_table, ref_id, created_at
              FROM user_points_ledger WHERE action = 'timeout_refund'`,
      found: [
        'excess: points 0: 100 given back of 50 taken',
        'twice: points 0: 50 given back with 2 rows in the ledger',
      ],
    },
    {
      broken: 'an order cancelled twice at once',
      sql: `INSERT INTO order_timeout_cancellation
                   (batch_id, order_id, user_id, cause, cancelled_at)
            SELECT batch.id, order_id, user_id, 'timeout', cancelled_at
              FROM order_timeout_cancellation, order_timeout_batch AS batch
             WHERE batch.remark = 'another'`,
      found: [expect.stringMatching(/^journal: 2 entries for one cancellation, at /)],
    },
  ])('finds $broken', async ({ sql, found }) => {
    await shop.run('CALL cancel_expired_order(?)', [order.orderId]);
    await shop.run(
      `INSERT INTO order_timeout_batch (cause, remark, called_by, created_at)
       VALUES ('timeout', 'another', '', NOW(3))`,
    );
    expect(await violations()).toEqual([]);

    await shop.run(sql);

    expect(await violations()).toEqual(found);
  });

  test('finds a balance that grew without a ledger row, and a ledger row without growth', async () => {
    const baseline = await takeBaseline(shop.db);
    await shop.run('UPDATE user_coupons SET balance_amount = balance_amount + 10');
    await shop.run(
      "INSERT INTO user_points_ledger (user_id, action, points) VALUES (?, 'gift', 3)",
      [order.userId],
    );

    expect(await findBalanceViolations(shop.db, baseline)).toEqual(
      [
        `coupon ${order.couponId}: the balance differs by 10`,
        `user ${order.userId}: the balance differs by -3`,
      ].map((what) => ({
        invariant: 'balance',
        orderId: null,
        detail: `${what} from what its ledger rows since then say`,
      })),
    );
  });
});
