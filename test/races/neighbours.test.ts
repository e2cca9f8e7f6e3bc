import { expect, test } from 'vitest';
import { pendingOrder, type Shop, shopOfFile } from '../support';
import { cancelExpiredOrder, expectAllBackOnce } from '../procedures/calls';

const shop = shopOfFile();

const CALLERS = 8;
/** NEIGHBOURS=600 to compare with docs/performance.md. */
const orders = Number(process.env.NEIGHBOURS ?? 80);

/** Cancels every eighth order, each in a transaction of its own that begins again after a deadlock; how many there were. */
async function cancelEveryEighth(
  shop: Shop,
  level: string,
  orderIds: readonly number[],
): Promise<number> {
  const db = await shop.connect();
  await db.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${level}`);
  let deadlocks = 0;
  for (const orderId of orderIds) {
    for (let isDone = false; !isDone;) {
      await db.beginTransaction();
      try {
        // As a shop does before: the transaction has read something.
        await db.query('SELECT user_id FROM orders WHERE id = ?', [orderId]);
        await cancelExpiredOrder(db, orderId);
        await db.commit();
        isDone = true;
      } catch (error) {
        if ((error as { errno?: number }).errno !== 1213) throw error;
        deadlocks += 1;
        await db.rollback();
      }
    }
  }
  return deadlocks;
}

test.for(['REPEATABLE READ', 'READ COMMITTED'])(
  `eight callers that join in %s cancel ${orders} neighbouring orders, each once`,
  { timeout: 120_000 + orders * 500 },
  async (level) => {
    const ids: number[] = [];
    for (let nth = 0; nth < orders; nth++)
      ids.push((await pendingOrder(shop, { coupon: 1000, points: 50, pointsLeft: 10 })).orderId);

    const deadlocks = await Promise.all(
      Array.from({ length: CALLERS }, (_, caller) =>
        cancelEveryEighth(
          shop,
          level,
          ids.filter((_, nth) => nth % CALLERS === caller),
        ),
      ),
    );

    const total = deadlocks.reduce((sum, one) => sum + one, 0);
    process.stdout.write(`${level}: ${total} deadlocks in ${orders} joined calls of 8 callers\n`);
    await expectAllBackOnce(shop);
    expect(await shop.column('SELECT COUNT(*) AS refunds FROM order_timeout_refund')).toEqual([
      2 * orders,
    ]);
  },
);
