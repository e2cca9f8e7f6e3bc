import { describe, expect, test } from 'vitest';
import { changesOf, coupon, couponLedgerRow, order, pendingOrder, type Shop } from '../support';
import { cancelExpiredOrder, cancelOrder, configure, rowOf, sweep } from './calls';
import { cancelled } from './cancelled';
import { shopOfFile } from './shop-of-file';

const freshShop = shopOfFile();

describe.each(['held', 'used up', 'usable', 'expired'] as const)('a coupon that is %s', (was) => {
  test.each(['order_coupons', 'ledger'] as const)(
    'gets back what order and %s say was taken, becomes usable, and has one ledger row',
    async (source) => {
      const shop = await freshShop();
      const built = await pendingOrder(shop, {
        coupon: 1000,
        couponStatus: was,
        couponIn: source,
        couponBalance: 250,
      });

      const changed = await changesOf(shop, async () => {
        expect(await cancelExpiredOrder(shop.db, built)).toMatchObject({ coupon_refunded: 1000 });
      });

      expect(changed).toEqual(
        cancelled({ order: built, coupons: [{ amount: 1000, source, was, balance: 250 }] }),
      );
    },
  );
});

test('every coupon of an order comes back: orders.coupon_id and each row of order_coupons', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, {
    coupons: [
      { amount: 1000, in: 'ledger', status: 'used up' },
      { amount: 300, status: 'usable', balance: 50 },
      { amount: 20, status: 'expired' },
      { amount: 4, status: 'held' },
    ],
  });
  const [first, second, third, fourth] = built.couponIds as [number, number, number, number];

  const changed = await changesOf(shop, async () => {
    expect(await cancelExpiredOrder(shop.db, built)).toMatchObject({ coupon_refunded: 1324 });
  });

  expect(changed).toEqual(
    cancelled({
      order: built,
      coupons: [
        { id: first, amount: 1000, source: 'ledger', was: 'used up' },
        { id: second, amount: 300, was: 'usable', balance: 50 },
        { id: third, amount: 20, was: 'expired' },
        { id: fourth, amount: 4 },
      ],
    }),
  );
});

test.each([0, null])('orders.coupon_id %s is no coupon, and no finding', async (none) => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { points: 50 });
  await shop.run('UPDATE orders SET coupon_id = ?', [none]);

  const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

  expect(changed).toEqual(cancelled({ order: built, points: 50 }));
});

test('with orders.coupon_id NULL the rows of order_coupons still come back', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { coupon: 1000 });
  await shop.run('UPDATE orders SET coupon_id = NULL');

  const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

  expect(changed).toEqual(cancelled({ order: built, coupons: [{ amount: 1000 }] }));
});

describe('how much was taken', () => {
  async function heldCoupon(shop: Shop) {
    return pendingOrder(shop, { coupons: [{ amount: 0, in: 'nowhere' }] });
  }

  async function applied(shop: Shop, orderId: number, couponId: number, amount: number) {
    await shop.run(
      'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, ?, ?)',
      [orderId, couponId, amount],
    );
  }

  test('order_coupons comes before the ledger', async () => {
    const shop = await freshShop();
    const built = await heldCoupon(shop);
    await applied(shop, built.orderId, built.couponId, 700);
    await couponLedgerRow(shop, { ...built, change: -1000, action: 'reserve' });

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(cancelled({ order: built, coupons: [{ amount: 700 }] }));
  });

  test.each([0, -500])('order_coupons with %i says nothing: the ledger does', async (amount) => {
    const shop = await freshShop();
    const built = await heldCoupon(shop);
    await applied(shop, built.orderId, built.couponId, amount);
    await couponLedgerRow(shop, { ...built, change: -1000, action: 'reserve' });

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(
      cancelled({ order: built, coupons: [{ amount: 1000, source: 'ledger' }] }),
    );
  });

  test('of two rows in order_coupons the larger counts, and the journal says so', async () => {
    const shop = await freshShop();
    const built = await heldCoupon(shop);
    for (const amount of [400, 900]) await applied(shop, built.orderId, built.couponId, amount);

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(
      cancelled({
        order: built,
        coupons: [{ amount: 900 }],
        findings: { missing_coupons: [], duplicate_coupons: [built.couponId] },
      }),
    );
  });

  test('the ledger’s reserve and usage of this coupon and this order add up, nothing else counts', async () => {
    const shop = await freshShop();
    const built = await heldCoupon(shop);
    const other = await coupon(shop, { userId: built.userId });
    for (const row of [
      { change: -300, action: 'reserve' },
      { change: -40, action: 'usage' },
      { change: -5000, action: 'fee' },
      { change: -6000, action: 'reserve', orderId: built.orderId + 1 },
      { change: -7000, action: 'usage', couponId: other },
    ]) {
      await couponLedgerRow(shop, { ...built, ...row });
    }

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(
      cancelled({ order: built, coupons: [{ amount: 340, source: 'ledger' }] }),
    );
  });

  test('a coupon held for this order without an amount is set free, with no ledger row', async () => {
    const shop = await freshShop();
    const built = await heldCoupon(shop);

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(cancelled({ order: built, coupons: [{ amount: 0 }] }));
  });

  test.each(['usable', 'used up', 'expired'] as const)(
    'a coupon that is %s and of which nothing was taken is left alone',
    async (status) => {
      const shop = await freshShop();
      const built = await pendingOrder(shop, {
        coupons: [{ amount: 0, in: 'nowhere', status, balance: 70 }],
      });

      const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

      expect(changed).toEqual(cancelled({ order: built }));
    },
  );

  test.each(['order', 'another order'])(
    'a coupon held for %s by no amount: only its own order sets it free',
    async (whose) => {
      const shop = await freshShop();
      const holder = await pendingOrder(shop, { ageMinutes: 5 });
      const built = await pendingOrder(shop, { coupons: [{ amount: 0, in: 'nowhere' }] });
      const isOwn = whose === 'order';
      if (!isOwn) {
        await shop.run('UPDATE user_coupons SET used_order_id = ?', [holder.orderId]);
      }

      const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

      expect(changed).toEqual(cancelled({ order: built, coupons: isOwn ? [{ amount: 0 }] : [] }));
    },
  );
});

describe('what came back earlier', () => {
  test.each(['cancel_refund', 'repair_refund', 'goodwill'])(
    'a positive ledger row (%s) of this coupon and order is subtracted',
    async (action) => {
      const shop = await freshShop();
      const built = await pendingOrder(shop, { coupon: 1000, couponBalance: 300 });
      await couponLedgerRow(shop, { ...built, change: 300, action });

      const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

      expect(changed).toEqual(
        cancelled({ order: built, coupons: [{ amount: 700, balance: 300 }] }),
      );
    },
  );

  test('never below zero', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { coupon: 1000, couponStatus: 'usable' });
    for (const change of [800, 900]) {
      await couponLedgerRow(shop, { ...built, change, action: 'cancel_refund' });
    }

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(cancelled({ order: built }));
  });

  test('after a timeout_refund of whatever amount nothing more is due', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { coupon: 1000, couponStatus: 'used up' });
    await couponLedgerRow(shop, { ...built, change: 1, action: 'timeout_refund' });

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(cancelled({ order: built }));
  });

  test('a timeout_refund of another order or another coupon does not count', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { coupon: 1000 });
    const other = await coupon(shop, { userId: built.userId });
    const row = { userId: built.userId, change: 1000, action: 'timeout_refund' };
    await couponLedgerRow(shop, { ...row, couponId: built.couponId, orderId: built.orderId + 1 });
    await couponLedgerRow(shop, { ...row, couponId: other, orderId: built.orderId });

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(cancelled({ order: built, coupons: [{ amount: 1000 }] }));
  });

  test('a coupon that is still held for the order is set free though all of it came back', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { coupon: 1000 });
    await couponLedgerRow(shop, { ...built, change: 1000, action: 'timeout_refund' });

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(cancelled({ order: built, coupons: [{ amount: 0 }] }));
  });
});

describe('a coupon that is held for another order', () => {
  async function sharedCoupon(shop: Shop, holderStatus: 'pending' | 'paid' | 'cancelled') {
    const holder = await order(shop, { coupon: 500, ageMinutes: 5, status: holderStatus });
    const built = await pendingOrder(shop, {
      userId: holder.userId,
      coupons: [{ amount: 1000, couponId: holder.couponId }],
    });
    return { holder, built };
  }

  test('which is pending gets its balance, and stays held', async () => {
    const shop = await freshShop();
    const { built } = await sharedCoupon(shop, 'pending');

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(
      cancelled({ order: built, coupons: [{ amount: 1000, staysHeld: true }] }),
    );
  });

  test.each(['paid', 'cancelled'] as const)('which is %s becomes usable', async (status) => {
    const shop = await freshShop();
    const { built, holder } = await sharedCoupon(shop, status);

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(
      cancelled({ order: built, coupons: [{ amount: 1000, usedBy: holder.orderId }] }),
    );
  });

  test('which is not there becomes usable', async () => {
    const shop = await freshShop();
    const { built, holder } = await sharedCoupon(shop, 'pending');
    await shop.run('DELETE FROM orders WHERE id = ?', [holder.orderId]);

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(
      cancelled({ order: built, coupons: [{ amount: 1000, usedBy: holder.orderId }] }),
    );
  });

  test('though nobody knows which becomes usable', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { coupon: 1000 });
    await shop.run('UPDATE user_coupons SET used_order_id = NULL');

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed.user_coupons).toEqual([
      { id: built.couponId, status: [4, 1], balance_amount: [0, 1000], has_used_at: [1, 0] },
    ]);
  });

  test.each([
    { first: 'holder', batchSize: 500, batches: 1 },
    { first: 'other', batchSize: 500, batches: 1 },
    { first: 'holder', batchSize: 1, batches: 2 },
    { first: 'other', batchSize: 1, batches: 2 },
  ])(
    'and that is due as well gets both back and becomes usable ($first first, $batches batches)',
    async ({ first, batchSize, batches }) => {
      const shop = await freshShop();
      await configure(shop, { batch_size: batchSize });
      const { holder, built } = await sharedCoupon(shop, 'pending');
      await shop.run('UPDATE orders SET created_at = NOW(3) - INTERVAL ? MINUTE WHERE id = ?', [
        first === 'holder' ? 100 : 40,
        holder.orderId,
      ]);

      const changed = await changesOf(shop, () => sweep(shop.db));

      expect(changed).toEqual(
        cancelled(
          [
            { order: holder, coupons: [{ amount: 500 }] },
            {
              order: built,
              coupons: [
                {
                  amount: 1000,
                  staysHeld: !(first === 'holder' && batches === 2),
                },
              ],
            },
          ],
          batches,
        ),
      );
    },
  );
});

describe('a coupon that is not there', () => {
  test.each(['orders.coupon_id', 'order_coupons'])(
    'in %s: the order is cancelled, the rest comes back, the journal says which was missing',
    async (where) => {
      const shop = await freshShop();
      const built = await pendingOrder(shop, { coupon: 1000, points: 50 });
      if (where === 'orders.coupon_id') {
        await shop.run('UPDATE orders SET coupon_id = 4711');
      } else {
        await shop.run(
          'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, 4711, 99)',
          [built.orderId],
        );
      }

      const changed = await changesOf(shop, async () => {
        expect(await cancelExpiredOrder(shop.db, built)).toMatchObject({
          outcome: 'cancelled',
          coupon_refunded: 1000,
        });
      });

      expect(changed).toEqual(
        cancelled({
          order: built,
          coupons: [{ amount: 1000 }],
          points: 50,
          findings: { missing_coupons: [4711], duplicate_coupons: [] },
        }),
      );
    },
  );

  test('is found by the sweep for its order only', async () => {
    const shop = await freshShop();
    const sound = await pendingOrder(shop, { coupon: 1000 });
    const broken = await pendingOrder(shop, { coupon: 1000, points: 50 });
    await shop.run('DELETE FROM user_coupons WHERE id = ?', [broken.couponId]);

    const changed = await changesOf(shop, async () => {
      expect(await sweep(shop.db)).toMatchObject({
        cancelled: 2,
        failed: 0,
        coupon_refunded: 1000,
      });
    });

    expect(changed).toEqual(
      cancelled([
        { order: sound, coupons: [{ amount: 1000 }] },
        {
          order: broken,
          points: 50,
          findings: { missing_coupons: [broken.couponId], duplicate_coupons: [] },
        },
      ]),
    );
  });
});

test('300 orders on one coupon and one user in one batch: every one comes back, the sums are right', async () => {
  const shop = await freshShop();
  const first = await pendingOrder(shop, { coupon: 1000, points: 7, couponStatus: 'usable' });
  await shop.run(
    `INSERT INTO orders (order_no, user_id, coupon_id, points_amount, created_at)
     WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 299)
     SELECT CONCAT('shared ', n), ?, ?, n, NOW(3) - INTERVAL 1 HOUR FROM n`,
    [first.userId, first.couponId],
  );
  await shop.run(
    `INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount)
     SELECT id, coupon_id, points_amount * 10 FROM orders WHERE id <> ?`,
    [first.orderId],
  );
  const coupons = 1000 + (299 * 300 * 10) / 2;
  const points = 7 + (299 * 300) / 2;

  const changed = await changesOf(shop, async () => {
    expect(await sweep(shop.db)).toMatchObject({
      cancelled: 300,
      coupon_refunded: coupons,
      points_refunded: points,
    });
  });

  expect(changed.user_coupons).toEqual([{ id: first.couponId, balance_amount: [0, coupons] }]);
  expect(changed.user_points).toEqual([{ user_id: first.userId, nth: 1, points: [0, points] }]);
  expect(
    await rowOf(
      shop,
      `SELECT COUNT(*) AS count, COUNT(DISTINCT order_id) AS orders, CAST(SUM(change_amount) AS SIGNED) AS sum
         FROM user_coupon_ledger WHERE action = 'timeout_refund'`,
    ),
  ).toEqual({ count: 300, orders: 300, sum: coupons });
  expect(
    await rowOf(
      shop,
      `SELECT COUNT(*) AS count, COUNT(DISTINCT ref_id) AS orders, CAST(SUM(points) AS SIGNED) AS sum
         FROM user_points_ledger WHERE action = 'timeout_refund'`,
    ),
  ).toEqual({ count: 300, orders: 300, sum: points });
  expect(changed.order_timeout_batch).toHaveLength(1);
  expect(changed.order_timeout_refund).toHaveLength(600);
  expect(changed.orders).toHaveLength(300);
});

test('the ledger row is the order’s user’s, also when the coupon is somebody else’s', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { coupon: 1000 });
  await shop.run('UPDATE user_coupons SET user_id = 4711');

  const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

  expect(changed).toEqual(cancelled({ order: built, coupons: [{ amount: 1000 }] }));
});

test('the two incidents of user 9110 come back as they should have', async () => {
  const shop = await freshShop();
  const couponOf = async (id: number, status: string, usedFor: number | null) =>
    shop.run(
      `INSERT INTO user_coupons (id, user_id, status, balance_amount, used_order_id, used_at)
       VALUES (?, 9110, ?, 0, ?, IF(? IS NULL, NULL, NOW(3)))`,
      [id, status === 'usable' ? 1 : 2, usedFor, usedFor],
    );
  await couponOf(1690, 'used up', 28229);
  await couponOf(1532, 'usable', null);
  const taken = { amount: 1000, in: 'ledger' } as const;
  const first = await pendingOrder(shop, {
    orderId: 28229,
    userId: 9110,
    sourceType: 4,
    coupons: [{ ...taken, couponId: 1690, status: 'used up' }],
  });
  const second = await pendingOrder(shop, {
    orderId: 26743,
    userId: 9110,
    sourceType: 4,
    coupons: [{ ...taken, couponId: 1532, status: 'usable' }],
  });

  const changed = await changesOf(shop, () => sweep(shop.db));

  const back = { amount: 1000, source: 'ledger' } as const;
  expect(changed).toEqual(
    cancelled([
      { order: second, sourceType: 4, coupons: [{ ...back, was: 'usable' }] },
      { order: first, sourceType: 4, coupons: [{ ...back, was: 'used up' }] },
    ]),
  );
});

test('a user’s cancel writes its own ledger action', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { coupon: 1000, couponStatus: 'used up', ageMinutes: 1 });

  const changed = await changesOf(shop, () => cancelOrder(shop.db, built, built.userId));

  expect(changed).toEqual(
    cancelled({ order: built, cause: 'user', coupons: [{ amount: 1000, was: 'used up' }] }),
  );
  expect(changed.user_coupon_ledger).toMatchObject([{ action: 'cancel_refund' }]);
});
