import { createConnection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { cancelExpiredOrder } from '../../scripts';
import { isSession, pendingOrder, shopOfFile, startProxy, until } from '../support';
import { expectAllBackOnce } from '../procedures/calls';

// A connection that is lost in the middle of a call: kill.test.ts, test/client/lost-connections.test.ts.

const shop = shopOfFile();

test('a connection cut while the answer travels: the outcome is unknown, and calling again is safe', async () => {
  const { orderId } = await pendingOrder(shop, { coupon: 1000, points: 50 });
  const proxy = await startProxy(shop.url);
  const db = await createConnection({ uri: proxy.url });
  db.on('error', () => undefined);
  proxy.cutAnswers();

  await expect(cancelExpiredOrder(db, orderId)).rejects.toBeInstanceOf(Error);
  await until(async () => {
    const [order] = await shop.run('SELECT status FROM orders WHERE id = ?', [orderId]);
    return order?.status === 3 || !(await isSession(shop, db.threadId));
  });
  const again = await cancelExpiredOrder(shop.db, orderId);

  expect(['cancelled', 'not_pending']).toContain(again.outcome);
  await expectAllBackOnce(shop);
});
