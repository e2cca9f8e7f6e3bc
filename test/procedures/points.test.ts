import { describe, expect, test } from 'vitest';
import {
  changesOf,
  createShop,
  deployEngine,
  pendingOrder,
  pointsLedgerRow,
  pointsRow,
} from '../support';
import { cancelExpiredOrder, cancelOrder, sweep } from './calls';
import { cancelled } from './cancelled';
import { shopOfFile } from './shop-of-file';

const freshShop = shopOfFile();

test('points go back to the user’s row, with one ledger row', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { points: 50, pointsLeft: 20 });

  const changed = await changesOf(shop, async () => {
    expect(await cancelExpiredOrder(shop.db, built)).toMatchObject({ points_refunded: 50 });
  });

  expect(changed).toEqual(cancelled({ order: built, points: { amount: 50, before: 20 } }));
});

test.each([
  { ends: [null, null, null], nth: 1, before: 20 },
  { ends: ['NOW(3) - INTERVAL 1 SECOND', 'NOW(3) + INTERVAL 1 DAY', null], nth: 2, before: 900 },
  { ends: ['NOW(3)', 'NOW(3) - INTERVAL 1 DAY', null], nth: 3, before: 4 },
  { ends: ['NOW(3)', 'NOW(3)', 'NOW(3)'], nth: 4, before: null },
])(
  'they go to the lowest row that is valid now: of rows that end $ends to number $nth',
  async ({ ends, nth, before }) => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { points: 50, pointsLeft: 20 });
    for (const points of [900, 4]) await pointsRow(shop, { userId: built.userId, points });
    const ids = await shop.run('SELECT id FROM user_points ORDER BY id');
    for (const [index, { id }] of ids.entries()) {
      await shop.run(`UPDATE user_points SET valid_end = ${ends[index] ?? 'NULL'} WHERE id = ?`, [
        id,
      ]);
    }

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(cancelled({ order: built, points: { amount: 50, before, nth } }));
  },
);

test('they go to no row that is dead by the shop file, whatever its number', async () => {
  const shop = await createShop({
    deploy: false,
    schema: (sql) =>
      sql.replace('CREATE TABLE user_points (', '$& deleted TINYINT NOT NULL DEFAULT 0,'),
  });
  await deployEngine(shop.url, { clock: shop.clock, event: false, takeProposals: true });
  const built = await pendingOrder(shop, { points: 50, pointsLeft: 20 });
  await shop.run('UPDATE user_points SET deleted = 1');

  const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

  expect(changed.user_points).toEqual([
    { user_id: built.userId, nth: 2, points: 50, has_valid_end: 0 },
  ]);
  expect(changed.orders).toEqual([{ id: built.orderId, status: [1, 3], has_cancelled_at: [0, 1] }]);
});

test('points came back once, though the account is somebody else’s by now', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { points: 50 });
  await cancelExpiredOrder(shop.db, built);
  const userId = shop.nextId('user');
  for (const table of ['orders', 'user_points', 'user_points_ledger']) {
    await shop.run('UPDATE ?? SET user_id = ?', [table, userId]);
  }
  await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL');

  const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

  expect(changed).toEqual(
    cancelled({
      order: { ...built, userId },
      findings: [{ kind: 'points', what: 'second_take', amount: 50, other: 50 }],
    }),
  );
});

test('a user without a row gets a new one, without an end', async () => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { points: 50, pointsLeft: null });

  const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

  expect(changed).toEqual(cancelled({ order: built, points: { amount: 50, before: null } }));
});

test('several orders of one user without a row in one batch make one row', async () => {
  const shop = await freshShop();
  const userId = shop.nextId('user');
  const orders = [];
  for (const points of [50, 7, 200]) {
    orders.push(await pendingOrder(shop, { userId, points, pointsLeft: null }));
  }
  const [first, second, third] = orders as [
    (typeof orders)[0],
    (typeof orders)[0],
    (typeof orders)[0],
  ];

  const changed = await changesOf(shop, () => sweep(shop.db));

  const expected = cancelled([
    { order: first, points: { amount: 50, before: null } },
    { order: second, points: { amount: 7, before: null } },
    { order: third, points: { amount: 200, before: null } },
  ]);
  expect(changed).toEqual(expected);
  expect(changed.user_points).toEqual([{ user_id: userId, nth: 1, points: 257, has_valid_end: 0 }]);
});

test('a new row is made only when points come back', async () => {
  const shop = await freshShop();
  const none = await pendingOrder(shop, { points: 0, pointsLeft: null });
  const returned = await pendingOrder(shop, { points: 50, pointsLeft: null });
  await pointsLedgerRow(shop, { ...returned, points: 50, action: 'cancel_refund' });

  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(changed).toEqual(cancelled([{ order: none }, { order: returned }]));
});

test('a unique key on the user of user_points is no hindrance', async () => {
  const shop = await createShop({
    schema: (sql) =>
      sql.replace(/(CREATE TABLE user_points \([^;]*?)KEY idx_user/, '$1UNIQUE KEY uk_user'),
  });
  const userId = shop.nextId('user');
  const first = await pendingOrder(shop, { userId, points: 50, pointsLeft: null });
  const second = await pendingOrder(shop, { userId, points: 7, pointsLeft: null });

  const changed = await changesOf(shop, () => sweep(shop.db));

  expect(changed).toEqual(
    cancelled([
      { order: first, points: { amount: 50, before: null } },
      { order: second, points: { amount: 7, before: null } },
    ]),
  );
});

test.each([0, -50])('an order that took %i points gets none back', async (points) => {
  const shop = await freshShop();
  const built = await pendingOrder(shop, { coupon: 1000 });
  await shop.run('UPDATE orders SET points_amount = ?', [points]);

  const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

  expect(changed).toEqual(cancelled({ order: built, coupons: [{ amount: 1000 }] }));
});

describe('what the ledger says of an order that took 50', () => {
  test.each<[rows: [points: number, action: string][], back: number]>([
    [[[30, 'cancel_refund']], 20],
    [[[30, 'timeout_refund']], 20],
    [[[30, 'goodwill']], 20],
    [[[30, 'earn']], 50],
    [[[-30, 'fee']], 50],
    [
      [
        [30, 'timeout_refund'],
        [-10, 'timeout_refund'],
      ],
      30,
    ],
    [
      [
        [30, 'cancel_refund'],
        [70, 'cancel_refund'],
      ],
      0,
    ],
  ])('%j leaves %i due', async (rows, amount) => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { points: 50, pointsLeft: 30 });
    for (const [points, action] of rows) await pointsLedgerRow(shop, { ...built, points, action });

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    const points = { amount, taken: 50, before: 30 };
    expect(changed).toEqual(cancelled({ order: built, points }));
  });

  test('count only for this order, and only by way of orders', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { points: 50 });
    await pointsLedgerRow(shop, {
      userId: built.userId,
      orderId: built.orderId + 1,
      points: 50,
      action: 'timeout_refund',
    });
    await shop.run(
      `INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id)
       VALUES (?, 'bonus', 50, 'lottery', ?)`,
      [built.userId, String(built.orderId)],
    );

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(cancelled({ order: built, points: 50 }));
  });

  test('an id that only begins alike is another order', async () => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { orderId: 12, points: 50 });
    for (const orderId of [1, 123]) {
      await pointsLedgerRow(shop, { userId: built.userId, orderId, points: 9, action: 'x' });
    }

    const changed = await changesOf(shop, () => cancelExpiredOrder(shop.db, built));

    expect(changed).toEqual(cancelled({ order: built, points: 50 }));
  });
});

test.each(['user', 'admin'] as const)(
  'the cancel of %s writes its own ledger action, and the remark it was given or what it was',
  async (cause) => {
    const shop = await freshShop();
    const built = await pendingOrder(shop, { coupon: 1000, points: 50, ageMinutes: 1 });
    const remark = cause === 'user' ? 'ordered twice' : null;

    const changed = await changesOf(shop, () =>
      cancelOrder(shop.db, built, cause === 'user' ? built.userId : undefined, remark),
    );

    expect(changed).toEqual(
      cancelled({
        order: built,
        cause,
        coupons: [{ amount: 1000 }],
        points: 50,
        remark: remark ?? 'order_cancel',
      }),
    );
    expect(changed.user_coupon_ledger).toMatchObject([{ action: 'cancel_refund' }]);
  },
);
