import { expect, test } from 'vitest';
import { pendingOrder, type Shop } from '../support';
import { cancelExpiredOrder, sweep } from './calls';
import { holding } from './obstacles';
import { shopOfFile } from './shop-of-file';

const shopAsNew = shopOfFile();

/** No sweep has purged yet. */
async function newShop(): Promise<Shop> {
  const shop = await shopAsNew();
  await shop.run('UPDATE order_timeout_heartbeat SET purged_at = NULL');
  return shop;
}

test('old runs and cancellations go with a sweep, and the refunds stay', async () => {
  const shop = await newShop();
  const { orderId } = await pendingOrder(shop, { coupon: 1000, points: 5 });
  await sweep(shop.db);
  await age(shop, 91);

  await sweep(shop.db);

  expect(await counts(shop)).toEqual({ runs: 0, batches: 0, cancellations: 0, refunds: 2 });

  // Set back to pending by an admin: the keys that are left make a second refund impossible.
  await shop.run('UPDATE orders SET status = 1, cancelled_at = NULL WHERE id = ?', [orderId]);
  expect(await sweep(shop.db)).toMatchObject({ cancelled: 1, coupon_refunded: 0 });
  expect(await counts(shop)).toMatchObject({ cancellations: 1, refunds: 2 });
  expect(await shop.run('SELECT balance_amount FROM user_coupons')).toEqual([
    { balance_amount: 1000 },
  ]);
});

test('holds that ended so long ago go too, 1000 at a time, and the others stay', async () => {
  const shop = await newShop();
  await shop.run('SET SESSION cte_max_recursion_depth = 20000');
  await shop.run(
    `INSERT INTO order_timeout_hold (order_id, held_until, held_by, held_at)
     WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1052)
     SELECT i, NOW(3) - INTERVAL IF(i > 1050, 89, 91) DAY, 'test', NOW(3) - INTERVAL 100 DAY FROM n`,
  );
  const holds = () => shop.run('SELECT COUNT(*) AS holds FROM order_timeout_hold');

  await sweep(shop.db);
  expect(await holds()).toEqual([{ holds: 52 }]);
  await sweep(shop.db);
  expect(await holds()).toEqual([{ holds: 2 }]);
});

test('what is younger than the setting stays', async () => {
  const shop = await newShop();
  await shop.run('UPDATE order_timeout_setting SET retention_days = 10');
  await pendingOrder(shop);
  await sweep(shop.db);
  await age(shop, 9);

  await sweep(shop.db);
  expect(await counts(shop)).toMatchObject({ runs: 1, batches: 1, cancellations: 1 });

  await age(shop, 2);
  await sweep(shop.db);
  expect(await counts(shop)).toMatchObject({ runs: 0, batches: 0, cancellations: 0 });
});

test('a sweep purges no more than 1000 batches and 1000 runs, oldest first, and the next one goes on', async () => {
  const shop = await newShop();
  await shop.run('SET SESSION cte_max_recursion_depth = 20000');
  await shop.run(
    `INSERT INTO order_timeout_batch (id, cause, called_by, created_at)
     WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 2250)
     SELECT i, 'user', 'test', NOW(3) - INTERVAL 100 DAY FROM n`,
  );
  await shop.run(
    `INSERT INTO order_timeout_run (started_at, finished_at, outcome)
     WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 1050)
     SELECT NOW(3) - INTERVAL 100 DAY, NOW(3) - INTERVAL 100 DAY, 'completed' FROM n`,
  );

  await sweep(shop.db);
  expect(await counts(shop)).toMatchObject({ runs: 50, batches: 1250 });
  expect(await shop.run('SELECT MIN(id) AS first FROM order_timeout_batch')).toEqual([
    { first: 1001 },
  ]);
  await sweep(shop.db);
  await sweep(shop.db);
  expect(await counts(shop)).toMatchObject({ runs: 0, batches: 0 });
});

test('a sweep purges no more than 10000 cancellations', async () => {
  const shop = await newShop();
  await shop.run(
    `INSERT INTO order_timeout_batch (id, cause, called_by, created_at)
     VALUES (1, 'timeout', 'test', NOW(3) - INTERVAL 100 DAY),
            (2, 'timeout', 'test', NOW(3) - INTERVAL 100 DAY)`,
  );
  await shop.run('SET SESSION cte_max_recursion_depth = 20000');
  await shop.run(
    `INSERT INTO order_timeout_cancellation
            (batch_id, order_id, user_id, cause, cancelled_at)
     WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
     SELECT 1, i, 1, 'timeout', NOW(3) - INTERVAL 100 DAY FROM n
      UNION ALL SELECT 2, 1, 1, 'timeout', NOW(3) - INTERVAL 100 DAY`,
  );

  await sweep(shop.db);
  expect(await counts(shop)).toMatchObject({ batches: 1, cancellations: 1 });
  await sweep(shop.db);
  expect(await counts(shop)).toMatchObject({ batches: 0, cancellations: 0 });
});

test('what is still owed keeps its cancellations, by which its orders are known', async () => {
  const shop = await newShop();
  await pendingOrder(shop);
  await sweep(shop.db);
  await pendingOrder(shop);
  await sweep(shop.db);
  await age(shop, 91);
  await shop.run(
    `INSERT INTO order_timeout_owed (kind, account_id, batch_id, order_id, amount, owed_at)
     SELECT 'stock', 5, MIN(id), 1, 3, NOW(3) FROM order_timeout_batch`,
  );

  await sweep(shop.db);

  expect(await counts(shop)).toMatchObject({ batches: 1, cancellations: 1 });
});

test('the place up to which the feed was read is kept', async () => {
  const shop = await newShop();
  await cancelExpiredOrder(shop.db, await pendingOrder(shop));
  await cancelExpiredOrder(shop.db, await pendingOrder(shop));
  await shop.run('CALL read_cancellations(0, 0, 10)');
  await age(shop, 100);

  await sweep(shop.db);

  expect(await shop.run('SELECT position FROM order_timeout_batch')).toEqual([{ position: 2 }]);
});

test('what somebody holds locked is cleared away another time; the sweep does the rest of its work', async () => {
  const shop = await newShop();
  for (const coupon of [1000, 500]) {
    await pendingOrder(shop, { coupon });
    await sweep(shop.db);
  }
  await age(shop, 91);
  const { orderId } = await pendingOrder(shop, { coupon: 300 });
  const [oldest] = await shop.run<{ id: number }>('SELECT MIN(id) AS id FROM order_timeout_run');
  const holder = await holding(shop, [
    'SELECT * FROM order_timeout_run WHERE id = ? FOR UPDATE',
    [oldest?.id],
  ]);

  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 1 });
  expect(await counts(shop)).toMatchObject({ runs: 3, batches: 3, cancellations: 3 });
  await holder.query('ROLLBACK');

  expect(await sweep(shop.db)).toMatchObject({ outcome: 'completed', cancelled: 0 });
  expect(await counts(shop)).toMatchObject({ runs: 1, batches: 1, cancellations: 1 });
  expect(await shop.run('SELECT order_id FROM order_timeout_cancellation')).toEqual([
    { order_id: orderId },
  ]);
});

/** Lets days go by for what is in the journal. */
async function age(shop: Shop, days: number): Promise<void> {
  await shop.run('UPDATE order_timeout_run SET started_at = started_at - INTERVAL ? DAY', [days]);
  await shop.run('UPDATE order_timeout_batch SET created_at = created_at - INTERVAL ? DAY', [days]);
  // The hour since the last purge is over too.
  await shop.run('UPDATE order_timeout_heartbeat SET purged_at = NULL');
}

async function counts(shop: Shop): Promise<Record<string, unknown> | undefined> {
  const [row] = await shop.run(
    `SELECT (SELECT COUNT(*) FROM order_timeout_run) AS runs,
            (SELECT COUNT(*) FROM order_timeout_batch) AS batches,
            (SELECT COUNT(*) FROM order_timeout_cancellation) AS cancellations,
            (SELECT COUNT(*) FROM order_timeout_refund) AS refunds`,
  );
  return row && { ...row };
}
