import { expect, test } from 'vitest';
import { findBalanceViolations, findViolations, takeBaseline } from '../../scripts/dev/invariants';
import { createShop, pendingOrder, type Shop } from '../support';
import { call } from './outcomes';

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
        await call(db, 'cancel_expired_order(?)', orderId);
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

test.each(['REPEATABLE READ', 'READ COMMITTED'])(
  `eight callers that join in %s cancel ${orders} neighbouring orders, each once`,
  { timeout: 120_000 + orders * 500 },
  async (level) => {
    const shop = await createShop();
    const ids: number[] = [];
    for (let nth = 0; nth < orders; nth++)
      ids.push((await pendingOrder(shop, { coupon: 1000, points: 50, pointsLeft: 10 })).orderId);
    const baseline = await takeBaseline(shop.db);

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
    expect(await shop.run('SELECT status, COUNT(*) AS orders FROM orders GROUP BY status')).toEqual(
      [{ status: 3, orders }],
    );
    expect(
      await shop.run(
        `SELECT kind, COUNT(*) AS refunds, CAST(SUM(amount) AS SIGNED) AS amount
           FROM order_timeout_refund GROUP BY kind ORDER BY kind`,
      ),
    ).toEqual([
      { kind: 'coupon', refunds: orders, amount: 1000 * orders },
      { kind: 'points', refunds: orders, amount: 50 * orders },
    ]);
    expect(await findViolations(shop.db)).toEqual([]);
    expect(await findBalanceViolations(shop.db, baseline)).toEqual([]);
  },
);
