import { createPool, type Pool } from 'mysql2/promise';
import { expect, onTestFinished, test } from 'vitest';
import {
  auditMissingRefunds,
  cancelExpiredOrder,
  cancelOrder,
  explainOrderTimeout,
  holdOrder,
  orderTimeoutHealth,
  previewExpiredOrders,
  readCancellations,
  releaseOrderHold,
  repairMissingRefund,
  retryFailedOrder,
} from '../../scripts';
import { changesOf, createShop, order, pendingOrder, type Shop } from '../support';

const MINUTE_MS = 60_000;

test.each(['+00:00', '+08:00', '-03:30'])(
  'the preview lists what the next sweep does, oldest first, with instants, in a shop whose clock is %s',
  async (clock) => {
    const shop = await createShop({ clock });
    const younger = await pendingOrder(shop, { ageMinutes: 40, points: 7 });
    const older = await pendingOrder(shop, { ageMinutes: 90, coupon: 1000, sourceType: 4 });
    await pendingOrder(shop, { ageMinutes: 5 });
    const connection = await shop.connect({ timezone: '+05:00' });
    await connection.query("SET time_zone = '-11:00'");

    const preview = await previewExpiredOrders(connection);

    expect(preview).toMatchObject([
      { orderId: BigInt(older.orderId), userId: BigInt(older.userId), sourceType: 4n },
      { orderId: BigInt(younger.orderId), couponRefund: 0n, pointsRefund: 7n },
    ]);
    expect(preview[0]).toMatchObject({ couponRefund: 1000n, pointsRefund: 0n });
    const [first] = preview;
    expect(Math.abs(Date.now() - 90 * MINUTE_MS - Number(first?.createdAt))).toBeLessThan(20_000);
    expect(Math.abs(60 * 60 - (first?.overdueSeconds ?? 0))).toBeLessThan(20);
    expect(await previewExpiredOrders(shop.db, { limit: 1 })).toHaveLength(1);
  },
);

test('explain answers for any order, the answer first', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop, { ageMinutes: 5 });

  const [answer, ...facts] = await explainOrderTimeout(shop.db, orderId);

  expect(answer).toMatchObject({ step: 'answer', verdict: 'not_expired' });
  expect(facts.map(({ step }) => step)).toEqual(['order', 'policy']);
  expect(await explainOrderTimeout(shop.db, 404)).toMatchObject([{ verdict: 'not_found' }]);
});

test.each(['+00:00', '+08:00', '-03:30'])(
  'the audit looks at orders placed since an instant, in a shop whose clock is %s',
  async (clock) => {
    const shop = await createShop({ clock });
    const lost = await order(shop, { status: 'cancelled', coupon: 1000, ageMinutes: 60 });

    const audit = (minutes: number) =>
      auditMissingRefunds(shop.db, { since: new Date(Date.now() - minutes * MINUTE_MS) });

    expect(await audit(61)).toEqual([
      {
        orderId: BigInt(lost.orderId),
        userId: BigInt(lost.userId),
        kind: 'coupon',
        targetId: BigInt(lost.couponId),
        taken: 1000n,
        returned: 0n,
        missing: 1000n,
        source: 'order_coupons',
      },
    ]);
    expect(await audit(59)).toEqual([]);
    expect(await auditMissingRefunds(shop.db)).toHaveLength(1);
  },
);

test('a repair gives back what is missing, once', async () => {
  const shop = await createShop();
  const { orderId } = await order(shop, { status: 'cancelled', coupon: 1000, points: 3 });

  expect(await repairMissingRefund(shop.db, orderId)).toMatchObject([
    { kind: 'coupon', missing: 1000n, given: 1000n },
    { kind: 'points', missing: 3n, given: 3n },
  ]);
  expect(await repairMissingRefund(shop.db, orderId)).toEqual([]);
  expect(await auditMissingRefunds(shop.db)).toEqual([]);
});

test('twenty connections that repair at once give back once', async () => {
  const shop = await createShop();
  const { orderId, couponId } = await order(shop, { status: 'cancelled', coupon: 1000 });
  const pool = createPool({ uri: shop.url, connectionLimit: 20 });
  onTestFinished(() => pool.end());

  const answers = await Promise.all(
    Array.from({ length: 20 }, () => repairMissingRefund(pool, orderId)),
  );

  expect(answers.flat()).toMatchObject([{ given: 1000n }]);
  expect(
    await shop.run('SELECT balance_amount FROM user_coupons WHERE id = ?', [couponId]),
  ).toEqual([{ balance_amount: 1000 }]);
});

test("inside the caller's transaction a repair and a hold join it", async () => {
  const shop = await createShop();
  const lost = await order(shop, { status: 'cancelled', coupon: 1000 });
  const pending = await pendingOrder(shop);
  const connection = await shop.connect();

  const changed = await changesOf(shop, async () => {
    await connection.beginTransaction();
    await repairMissingRefund(connection, lost.orderId);
    await holdOrder(connection, pending.orderId, { minutes: 5 });
    await connection.rollback();
  });

  expect(changed).toEqual({});
});

test('an order on hold is not cancelled until its hold is released', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop);

  expect(await holdOrder(shop.db, orderId, { minutes: 10, reason: "在收银台 '" })).toEqual({
    orderId: BigInt(orderId),
    outcome: 'held',
  });
  expect(await shop.run('SELECT reason FROM order_timeout_hold')).toEqual([
    { reason: "在收银台 '" },
  ]);
  expect(await cancelExpiredOrder(shop.db, orderId)).toMatchObject({ outcome: 'on_hold' });
  expect(await releaseOrderHold(shop.db, orderId)).toMatchObject({ outcome: 'released' });
  expect(await releaseOrderHold(shop.db, orderId)).toMatchObject({ outcome: 'not_held' });
  expect(await cancelExpiredOrder(shop.db, orderId)).toMatchObject({ outcome: 'cancelled' });
  expect(await holdOrder(shop.db, orderId, { minutes: 10 })).toMatchObject({
    outcome: 'not_pending',
  });
  expect(await holdOrder(shop.db, 404, { minutes: 10 })).toMatchObject({ outcome: 'not_found' });
});

test('an order that was set aside is tried again', async () => {
  const shop = await createShop();
  const { orderId } = await pendingOrder(shop);
  await shop.run(
    `INSERT INTO order_timeout_failure
            (order_id, attempts, first_failed_at, last_failed_at, error_number, error_state, error_message)
     VALUES (?, 5, NOW(3), NOW(3), 1264, '22003', 'Out of range')`,
    [orderId],
  );

  expect(await retryFailedOrder(shop.db, orderId)).toEqual({
    orderId: BigInt(orderId),
    outcome: 'retrying',
  });
  expect(await retryFailedOrder(shop.db, 404)).toMatchObject({ outcome: 'not_failed' });
});

test('health is as bad as its worst check', async () => {
  const shop = await createShop();

  const { status, checks } = await orderTimeoutHealth(shop.db);

  // The event is off in the tests' shops.
  expect(status).toBe('fail');
  expect(checks.find(({ checkName }) => checkName === 'event')).toMatchObject({ status: 'fail' });
  expect(checks.find(({ checkName }) => checkName === 'index')).toMatchObject({ status: 'ok' });
});

test.each<[string, (db: Pool) => Promise<unknown>, string]>([
  ['hold 0', (db) => holdOrder(db, 0, { minutes: 1 }), 'INVALID_ID'],
  ['hold 1.5', (db) => holdOrder(db, 1, { minutes: 1.5 }), 'INVALID_ARGUMENT'],
  ['hold 1441', (db) => holdOrder(db, 1, { minutes: 1441 }), 'INVALID_ARGUMENT'],
  ['hold 2^40', (db) => holdOrder(db, 1, { minutes: 2 ** 40 }), 'INVALID_ARGUMENT'],
  ['hold ""', (db) => holdOrder(db, 1, { minutes: '5' as never }), 'INVALID_ARGUMENT'],
  [
    'a long reason',
    (db) => holdOrder(db, 1, { minutes: 5, reason: 'x'.repeat(256) }),
    'INVALID_ARGUMENT',
  ],
  ['release -1', (db) => releaseOrderHold(db, -1), 'INVALID_ID'],
  ['retry NaN', (db) => retryFailedOrder(db, NaN), 'INVALID_ID'],
  ['explain 0', (db) => explainOrderTimeout(db, 0), 'INVALID_ID'],
  ['repair null', (db) => repairMissingRefund(db, null as never), 'INVALID_ID'],
  ['preview 0', (db) => previewExpiredOrders(db, { limit: 0 }), 'INVALID_ARGUMENT'],
  [
    'audit Invalid Date',
    (db) => auditMissingRefunds(db, { since: new Date('x') }),
    'INVALID_ARGUMENT',
  ],
])('what cannot be meant is refused: %s', async (_name, call, code) => {
  const shop = await createShop();

  await expect(call(shop.db)).rejects.toMatchObject({ name: 'OrderTimeoutError', code });
});

test("an application's account needs EXECUTE on what it calls and nothing else", async () => {
  const shop = await createShop();
  const db = await poolOf(shop, 'cancel_order', 'hold_order', 'release_order_hold');
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });

  expect(await holdOrder(db, orderId, { minutes: 5 })).toMatchObject({ outcome: 'held' });
  expect(await releaseOrderHold(db, orderId)).toMatchObject({ outcome: 'released' });
  expect(await cancelOrder(db, orderId, { by: 'admin' })).toMatchObject({ outcome: 'cancelled' });
  await expect(readCancellations(db, { after: 'beginning' })).rejects.toMatchObject({
    errno: 1370,
  });
});

test('a reader needs EXECUTE on read_cancellations and order_timeout_clock', async () => {
  const shop = await createShop({ clock: '+08:00' });
  const db = await poolOf(shop, 'read_cancellations', 'order_timeout_clock');
  const { orderId } = await pendingOrder(shop);
  await cancelExpiredOrder(shop.db, orderId);

  expect(await readCancellations(db, { after: 'beginning' })).toMatchObject([
    { orderId: BigInt(orderId) },
  ]);
});

/** As an account that may call these and nothing else. */
async function poolOf(shop: Shop, ...procedures: string[]): Promise<Pool> {
  const url = await shop.createAccount(
    ...procedures.map((name) => `EXECUTE ON PROCEDURE \`${shop.name}\`.${name}`),
  );
  const pool = createPool({ uri: url });
  onTestFinished(() => pool.end());
  return pool;
}
