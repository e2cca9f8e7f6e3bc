import type { Connection } from 'mysql2/promise';
import { describe, expect, test } from 'vitest';
import {
  changesOf,
  closeGate,
  lockWait,
  pendingOrder,
  sessionEnd,
  type Shop,
  shopOfFile,
} from '../support';
import { cancelExpiredOrder, expectAllBackOnce, sweep } from '../procedures/calls';

// Kills at random instants, as many as asked for, are the soak's; here each is at a place of its own.

const shop = shopOfFile();
const QUERY_KILLED = { errno: 1317 };

/** A coupon of the ledger only; one that is used up; no points row. */
async function twoOrders(shop: Shop): Promise<number> {
  await pendingOrder(shop, { coupon: 300, couponIn: 'ledger', points: 7, pointsLeft: null });
  const given = { coupon: 1000, couponStatus: 'used up', points: 50, pointsLeft: null } as const;
  return (await pendingOrder(shop, given)).orderId;
}

/** Every write of a settlement, in its order. */
const WRITES = [
  'INSERT ON order_timeout_batch',
  'INSERT ON order_timeout_refund',
  'INSERT ON user_coupon_ledger',
  'UPDATE ON user_coupons',
  'INSERT ON user_points',
  'INSERT ON user_points_ledger',
  'UPDATE ON user_points',
  'INSERT ON order_timeout_cancellation',
  'UPDATE ON orders',
];

const CALLERS = { sweep: (db: Connection) => sweep(db), call: cancelExpiredOrder };

describe.for(['sweep', 'call'] as const)('of a %s', (caller) => {
  test.for(WRITES)(
    'KILL QUERY at %s undoes it whole, and the next sweep does it all',
    async (write) => {
      const orderId = await twoOrders(shop);
      const killed = await shop.connect();
      const gate = await closeGate(shop, write);
      const changed = await changesOf(shop, async () => {
        const failure = expect(CALLERS[caller](killed, orderId)).rejects.toMatchObject(
          QUERY_KILLED,
        );
        await gate.reached();
        await shop.run('KILL QUERY ?', [killed.threadId]);
        await failure;
        // What the killed call left open would be committed by this.
        await killed.query('START TRANSACTION');
        await killed.query('ROLLBACK');
        await gate.open();
      });
      expect(changed).toEqual({});

      // Its own session sweeps again, also with the lock that the killed sweep has left it.
      expect(await sweep(killed)).toMatchObject({ outcome: 'completed', cancelled: 2, failed: 0 });
      expect(await sweep(await shop.connect())).toMatchObject({ outcome: 'completed' });
      await expectAllBackOnce(shop);
    },
  );

  test('KILL of the connection rolls back, and the next sweep does it all', async () => {
    const orderId = await twoOrders(shop);
    const killed = await shop.connect();
    const gate = await closeGate(shop, 'UPDATE ON user_points');
    const changed = await changesOf(shop, async () => {
      const failure = expect(CALLERS[caller](killed, orderId)).rejects.toBeDefined();
      await gate.reached();
      await shop.run('KILL ?', [killed.threadId]);
      await failure;
      await gate.open();
      await sessionEnd(shop, killed.threadId);
    });
    expect(changed).toEqual({});

    expect(await sweep(await shop.connect())).toMatchObject({ outcome: 'completed', cancelled: 2 });
    await expectAllBackOnce(shop);
  });
});

test('KILL QUERY of a call that waits for the order, its coupon or its points leaves no transaction open', async () => {
  const { orderId, userId, couponId } = await pendingOrder(shop, { coupon: 10, points: 1 });
  const [another, killed] = [await shop.connect(), await shop.connect()];

  const changed = await changesOf(shop, async () => {
    for (const [sql, id] of [
      ['SELECT * FROM orders WHERE id = ? FOR UPDATE', orderId],
      ['SELECT * FROM user_coupons WHERE id = ? FOR UPDATE', couponId],
      ['SELECT * FROM user_points WHERE user_id = ? FOR UPDATE', userId],
    ] as const) {
      await another.beginTransaction();
      await another.query(sql, [id]);
      const failure = expect(cancelExpiredOrder(killed, orderId)).rejects.toMatchObject(
        QUERY_KILLED,
      );
      await lockWait(shop);
      await shop.run('KILL QUERY ?', [killed.threadId]);
      await failure;
      await another.rollback();
      // Not of the killed call: this fails inside a transaction.
      await killed.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    }
  });

  expect(changed).toEqual({});
});
