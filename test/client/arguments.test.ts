import type { Pool } from 'mysql2/promise';
import { expect, test } from 'vitest';
import {
  acceptPayment,
  auditMissingRefunds,
  cancelExpiredOrder,
  cancelOrder,
  cancelOrderAsAdmin,
  explainOrderTimeout,
  followCancellations,
  holdOrder,
  orderDeadlines,
  previewExpiredOrders,
  readCancellations,
  releaseOrderHold,
  repairMissingRefund,
  retryFailedOrder,
  settleFinding,
} from '../../scripts';
import { changesOf, pendingOrder, shopOfFile } from '../support';

const shop = shopOfFile();

/** What callers in JavaScript may hand in. */
const NO_IDS: unknown[] = [
  ...[0, -1, 1.5, NaN, Infinity, 2 ** 53, '', '12a', ' 1', '-5', 0n, 2n ** 63n],
  ...[null, undefined, {}, true],
];

test('an id that cannot be one is refused, and a user id that is missing by mistake never becomes an admin', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000 });
  const refused = { code: 'INVALID_ID' };

  const changed = await changesOf(shop, async () => {
    for (const id of NO_IDS as number[]) {
      await expect(cancelExpiredOrder(shop.db, id)).rejects.toMatchObject(refused);
      await expect(cancelOrder(shop.db, orderId, { userId: id })).rejects.toMatchObject(refused);
    }
  });

  expect(changed).toEqual({});
});

const long = 'x'.repeat(256);
const REFUSED: Record<string, [call: (db: Pool) => Promise<unknown>, code: string]> = {
  'no options, for a cancel': [(db) => cancelOrder(db, 1, undefined as never), 'INVALID_ID'],
  'no options, for a hold': [(db) => holdOrder(db, 1, undefined as never), 'INVALID_ARGUMENT'],
  'no options, to read': [(db) => readCancellations(db, undefined as never), 'INVALID_ARGUMENT'],
  'no options, to follow': [
    (db) => followCancellations(db, undefined as never).next(),
    'INVALID_ARGUMENT',
  ],
  'nothing to follow': [
    () => followCancellations(undefined as never, { from: 'beginning' }).next(),
    'INVALID_ARGUMENT',
  ],
  'a long remark': [(db) => cancelOrder(db, 1, { userId: 1, remark: long }), 'INVALID_ARGUMENT'],
  'a remark that is no object': [
    (db) => cancelOrderAsAdmin(db, 1, 'fraud' as never),
    'INVALID_ARGUMENT',
  ],
  'an option by a wrong name': [
    (db) => settleFinding(db, 1, { reason: 'given by hand' } as never),
    'INVALID_ARGUMENT',
  ],
  'a time without its name': [
    (db) => cancelExpiredOrder(db, 1, '5000' as never),
    'INVALID_ARGUMENT',
  ],
  'hold 0': [(db) => holdOrder(db, 0, { minutes: 1 }), 'INVALID_ID'],
  'hold 1.5': [(db) => holdOrder(db, 1, { minutes: 1.5 }), 'INVALID_ARGUMENT'],
  'hold 10081': [(db) => holdOrder(db, 1, { minutes: 10081 }), 'INVALID_NUMBER'],
  'hold 2^40': [(db) => holdOrder(db, 1, { minutes: 2 ** 40 }), 'INVALID_ARGUMENT'],
  'hold ""': [(db) => holdOrder(db, 1, { minutes: '5' as never }), 'INVALID_ARGUMENT'],
  'a long reason': [(db) => holdOrder(db, 1, { minutes: 5, reason: long }), 'INVALID_ARGUMENT'],
  'release -1': [(db) => releaseOrderHold(db, -1), 'INVALID_ID'],
  'retry NaN': [(db) => retryFailedOrder(db, NaN), 'INVALID_ID'],
  'explain 0': [(db) => explainOrderTimeout(db, 0), 'INVALID_ID'],
  'repair null': [(db) => repairMissingRefund(db, null as never), 'INVALID_ID'],
  'preview 0': [(db) => previewExpiredOrders(db, { limit: 0 }), 'INVALID_NUMBER'],
  'audit Invalid Date': [
    (db) => auditMissingRefunds(db, { since: new Date('x') }),
    'INVALID_ARGUMENT',
  ],
  'a payment without a reference': [(db) => acceptPayment(db, 1, ''), 'INVALID_ARGUMENT'],
  'a payment with half a character': [
    (db) => acceptPayment(db, 1, 'pi_1 😀'.slice(0, -1)),
    'INVALID_ARGUMENT',
  ],
  '1001 deadlines': [(db) => orderDeadlines(db, Array<number>(1001).fill(1)), 'INVALID_ARGUMENT'],
};

test.for(Object.entries(REFUSED))(
  'what cannot be meant is refused: %s',
  async ([, [call, code]]) => {
    await expect(call(shop.db)).rejects.toMatchObject({ name: 'OrderTimeoutError', code });
  },
);

test('an option that is undefined is as one that is not given, for the compiler too', async () => {
  const { orderId, userId } = await pendingOrder(shop);
  const none = undefined;

  await holdOrder(shop.db, orderId, { minutes: 1, reason: none, timeoutMs: none });
  await cancelOrder(shop.db, orderId, { userId, remark: none });
  await auditMissingRefunds(shop.db, { since: none });
  expect(
    await readCancellations(shop.db, { after: 'beginning', limit: none, timeoutMs: none }),
  ).toHaveLength(1);
});

test.for([undefined, null, {}, { position: 1 }, 0, '5'])(
  'a place in the feed that is missing by mistake (%j) does not begin anew',
  async (after) => {
    await expect(readCancellations(shop.db, { after: after as never })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  },
);
