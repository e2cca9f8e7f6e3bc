import { expect, test } from 'vitest';
import { cancelExpiredOrder, type CancelExpiredOrderResult } from '../../scripts';
import { changesOf, createShop, order, pendingOrder } from '../support';

test('an expired order is cancelled, and says what came back and when', async () => {
  const shop = await createShop();
  const { orderId, couponId } = await pendingOrder(shop, { coupon: 1000, points: 50 });

  const before = Date.now();
  const result = await cancelExpiredOrder(shop.db, orderId);
  const after = Date.now();

  expect(result).toEqual({
    orderId: String(orderId),
    outcome: 'cancelled',
    couponRefunded: '1000',
    pointsRefunded: '50',
    cancelledAt: expect.any(Date) as Date,
    expiresAt: null,
    returned: { coupon: '1000', points: '50' },
  });
  expect(result.cancelledAt?.getTime()).toBeGreaterThanOrEqual(before - 1);
  expect(result.cancelledAt?.getTime()).toBeLessThanOrEqual(after + 1);
  expect(
    await shop.run('SELECT balance_amount FROM user_coupons WHERE id = ?', [couponId]),
  ).toEqual([{ balance_amount: 1000 }]);
});

test('an order that is not to be cancelled says why, and nothing changes', async () => {
  const shop = await createShop();
  const { orderId: paid } = await order(shop, { status: 'paid', coupon: 1000 });
  const { orderId: young } = await pendingOrder(shop, { ageMinutes: 29, points: 10 });
  const { orderId: excluded } = await pendingOrder(shop, { sourceType: 3, coupon: 1000 });
  const { orderId: held } = await pendingOrder(shop, { coupon: 1000 });
  await shop.run(
    `INSERT INTO order_timeout_hold (order_id, held_until, held_by, held_at)
     VALUES (?, NOW(3) + INTERVAL 5 MINUTE, 'test', NOW(3))`,
    [held],
  );
  const nothing = { couponRefunded: '0', pointsRefunded: '0', cancelledAt: null };

  const changed = await changesOf(shop, async () => {
    expect(await cancelExpiredOrder(shop.db, 1)).toEqual({
      orderId: '1',
      outcome: 'not_found',
      ...nothing,
      expiresAt: null,
      returned: { coupon: '0', points: '0' },
    });
    expect(await cancelExpiredOrder(shop.db, paid)).toMatchObject({
      outcome: 'not_pending',
      ...nothing,
    });
    expect(await cancelExpiredOrder(shop.db, young)).toMatchObject({
      outcome: 'not_expired',
      ...nothing,
    });
    expect(await cancelExpiredOrder(shop.db, excluded)).toMatchObject({
      outcome: 'excluded',
      ...nothing,
    });
    expect(await cancelExpiredOrder(shop.db, held)).toMatchObject({
      outcome: 'on_hold',
      ...nothing,
    });
  });

  expect(changed).toEqual({});
});

test('ids and amounts beyond 2^53 come and go unrounded', async () => {
  const shop = await createShop();
  const orderId = String(2n ** 53n + 1n);
  const large = '9007199254740993';
  const { couponId } = await pendingOrder(shop, { orderId: BigInt(orderId), coupon: 1000 });
  await shop.run('UPDATE order_coupons SET applied_amount = ? WHERE user_coupon_id = ?', [
    large,
    couponId,
  ]);

  const result = await cancelExpiredOrder(shop.db, orderId);

  expect(result).toMatchObject({ orderId, outcome: 'cancelled', couponRefunded: large });
  expect(await cancelExpiredOrder(shop.db, BigInt(orderId))).toMatchObject({
    orderId,
    outcome: 'not_pending',
  });
});

test('an id that cannot be one is refused before anything is called', async () => {
  const shop = await createShop({ deploy: false });
  const wrong = [
    0,
    -1,
    1.5,
    NaN,
    Infinity,
    2 ** 53,
    '',
    '12a',
    ' 1',
    '-5',
    0n,
    2n ** 63n,
    null,
    undefined,
    {},
    true,
  ];

  for (const id of wrong) {
    await expect(cancelExpiredOrder(shop.db, id as number)).rejects.toMatchObject({
      code: 'INVALID_ID',
    });
  }
});

test('an account that may do nothing but EXECUTE can cancel', async () => {
  const shop = await createShop({ clock: '+08:00' });
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  const url = await shop.createAccount(
    `EXECUTE ON PROCEDURE \`${shop.name}\`.cancel_expired_order`,
  );

  const connection = await shop.connect({ uri: url });
  const { outcome, cancelledAt } = await cancelExpiredOrder(connection, orderId);

  expect(outcome).toBe('cancelled');
  expect(Math.abs(Date.now() - Number(cancelledAt))).toBeLessThan(60_000);
});

test('the outcomes are known to the compiler', () => {
  type CancelExpiredOrderOutcome = CancelExpiredOrderResult['outcome'];
  const sentences: Record<CancelExpiredOrderOutcome, string> = {
    cancelled: 'It is cancelled.',
    not_found: 'There is none.',
    not_pending: 'It is paid or cancelled.',
    contradictory: 'It has a paid time, and waits for payment.',
    not_expired: 'It has time left.',
    excluded: 'It never times out.',
    on_hold: 'Its user is at the cashier.',
  };
  const say = (outcome: CancelExpiredOrderOutcome): string => {
    switch (outcome) {
      case 'cancelled':
      case 'not_found':
      case 'not_pending':
      case 'contradictory':
      case 'not_expired':
      case 'excluded':
      case 'on_hold':
        return sentences[outcome];
      default: {
        const unheardOf: never = outcome;
        return unheardOf;
      }
    }
  };
  expect(say('cancelled')).toBe('It is cancelled.');
});
