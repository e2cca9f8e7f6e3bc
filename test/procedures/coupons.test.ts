import { describe, expect, test } from 'vitest';
import { changesOf, coupon, couponLedgerRow, order, pendingOrder, type Shop } from '../support';
import { cancelExpiredOrder, configure, rowOf, sweep } from './calls';
import { cancelled, type Found } from './cancelled';
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

test.each([0, null])('orders.coupon_id %s is no coupon; order_coupons comes back', async (none) => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { coupon: 1000, points: 50 });
  await shop.run('UPDATE orders SET coupon_id = ?', [none]);

  const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

  expect(changed).toEqual(cancelled({ order: built, coupons: [{ amount: 1000 }], points: 50 }));
});

/** A coupon that is held for an order of its own, and what order_coupons and the ledger say of it. */
const SAID: Record<
  string,
  {
    applied?: number[];
    ledger?: [change: number, action: string][];
    /** 0: it is only set free. */
    back: number;
    taken?: number;
    source?: 'ledger';
    findings?: Found[];
  }
> = {
  'nothing: it is set free, with no ledger row': { back: 0 },
  'two things: order_coupons counts, and a finding keeps both': {
    applied: [700],
    ledger: [[-1000, 'reserve']],
    back: 700,
    findings: [{ what: 'ledger_differs', amount: 700, other: 1000 }],
  },
  'that 0 was applied: the ledger counts': {
    applied: [0],
    ledger: [[-1000, 'reserve']],
    back: 1000,
    source: 'ledger',
  },
  'that less than 0 was applied: the ledger counts': {
    applied: [-500],
    ledger: [[-1000, 'usage']],
    back: 1000,
    source: 'ledger',
  },
  'that it was reserved and used: the takes add up, and no other action': {
    ledger: [
      [-300, 'reserve'],
      [-40, 'usage'],
      [-9, 'grant'],
      [-5000, 'fee'],
    ],
    back: 340,
    source: 'ledger',
  },
  ...Object.fromEntries(
    ['timeout_refund', 'cancel_refund', 'repair_refund', 'goodwill', 'reserve'].map((action) => [
      `that a part came back (${action}): the rest is due`,
      { applied: [1000], ledger: [[300, action]], back: 700, taken: 1000 } as const,
    ]),
  ),
  'that something else came (other): that is no return': {
    applied: [1000],
    ledger: [[300, 'grant']],
    back: 1000,
  },
  'that a return was taken back: it is due again': {
    ledger: [
      [-1000, 'reserve'],
      [300, 'cancel_refund'],
      [-100, 'cancel_refund'],
    ],
    back: 800,
    taken: 1000,
    source: 'ledger',
  },
  'that more came back than was taken: nothing is due, and it is set free': {
    applied: [1000],
    ledger: [
      [800, 'cancel_refund'],
      [900, 'timeout_refund'],
    ],
    back: 0,
  },
};

test.each(Object.entries(SAID))(
  'of a coupon the shop says %s',
  async (_, { applied = [], ledger = [], back, taken = back, source, findings = [] }) => {
    const shop = await freshShop();
    const built = await heldCoupon(shop, applied);
    for (const [change, action] of ledger)
      await couponLedgerRow(shop, { ...built, change, action });

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    const coupons = [{ amount: back, taken, ...(source && { source }) }];
    expect(changed).toEqual(cancelled({ order: built, coupons, findings }));
  },
);

async function heldCoupon(shop: Shop, applied: readonly number[] = []) {
  const built = await pendingOrder(shop, { coupons: [{ amount: 0, in: 'nowhere' }] });
  for (const amount of applied) {
    await shop.run(
      'INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount) VALUES (?, ?, ?)',
      [built.orderId, built.couponId, amount],
    );
  }
  return built;
}

test('of two rows in order_coupons the larger counts, and a finding tells it', async () => {
  const shop = await freshShop();
  const built = await heldCoupon(shop, [400, 900]);

  const changed = await changesOf(shop, async () => {
    await cancelExpiredOrder(shop.db, built);
    await shop.run('CALL reconcile_orders(NULL)');
  });

  expect(changed).toEqual(
    cancelled({
      order: built,
      coupons: [{ amount: 900 }],
      findings: [{ what: 'duplicate_rows', amount: 900, other: 2 }],
    }),
  );
});

test('ledger rows of another order or another coupon count neither way', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { coupon: 1000, couponIn: 'ledger' });
  const other = await coupon(shop, { userId: built.userId });
  for (const change of [-500, 1000]) {
    const row = { ...built, change, action: change < 0 ? 'usage' : 'timeout_refund' };
    await couponLedgerRow(shop, { ...row, orderId: built.orderId + 1 });
    await couponLedgerRow(shop, { ...row, couponId: other });
  }

  const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

  expect(changed).toEqual(
    cancelled({ order: built, coupons: [{ amount: 1000, source: 'ledger' }] }),
  );
});

test.each(['usable', 'used up', 'expired', 'held'] as const)(
  'a coupon that is %s, of which nothing was taken and which no order of ours holds, is left alone',
  async (status) => {
    const shop = await freshShop();
    const holder = await pendingOrder(shop, { ageMinutes: 5 });
    const built = await pendingOrder(shop, {
      coupons: [{ amount: 0, in: 'nowhere', status, balance: 70 }],
    });
    await shop.run('UPDATE user_coupons SET used_order_id = ?', [holder.orderId]);

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(cancelled({ order: built }));
  },
);

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
          findings: [
            { what: 'missing_target', target: 4711, amount: where === 'order_coupons' ? 99 : 0 },
          ],
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
          findings: [{ what: 'missing_target', amount: 1000 }],
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
