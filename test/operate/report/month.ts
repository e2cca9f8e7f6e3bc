import type { Shop } from '../../support';

/** The month that `fillMonth` makes, in the shop's clock. */
export const MONTH = { since: '2026-01-01', until: '2026-01-31' };

/**
 * A month of a shop at +08:00: more at night, an outage on the 12th with its backlog, runs that failed on the 20th,
 * a repair on the 25th, two orders that fail now. The same every time.
 */
export async function fillMonth(shop: Shop): Promise<void> {
  await shop.run('UPDATE order_timeout_setting SET retention_days = 36500');
  await shop.run('SET SESSION cte_max_recursion_depth = 100000');
  // A run every half hour.
  await shop.run(
    `INSERT INTO order_timeout_run (id, started_at, finished_at, outcome, failed, duration_ms, error_number, error_message)
     WITH RECURSIVE run AS (SELECT 1 AS id, CAST('2026-01-01 00:10:00' AS DATETIME(3)) AS at
                             UNION ALL SELECT id + 1, at + INTERVAL 30 MINUTE FROM run WHERE id < 1440)
     SELECT id, at, at + INTERVAL 1 SECOND,
            CASE WHEN DATE(at) = '2026-01-20' AND HOUR(at) < 6 THEN 'failed'
                 WHEN DATE(at) = '2026-01-12' AND HOUR(at) = 15 THEN 'out_of_time'
                 ELSE 'completed' END,
            IF(DAY(at) IN (20, 21), id % 4, 0),
            CASE WHEN DATE(at) = '2026-01-12' AND HOUR(at) = 15 THEN 50012 ELSE 300 + id * 37 % 2100 END,
            IF(DATE(at) = '2026-01-20' AND HOUR(at) < 6, 1142, NULL),
            IF(DATE(at) = '2026-01-20' AND HOUR(at) < 6,
               'UPDATE command denied to user ''order_timeout''@''localhost'' for table ''user_points''', NULL)
       FROM run
      WHERE NOT (DATE(at) = '2026-01-12' AND HOUR(at) BETWEEN 9 AND 14)`,
  );
  // Each run has a batch with some orders; every fifth batch is a call of a user's.
  await shop.run(
    `INSERT INTO order_timeout_batch (id, cause, called_by, run_id, created_at)
     SELECT id, IF(id % 5 = 0, 'user', 'timeout'), 'test', IF(id % 5 = 0, NULL, id), started_at
       FROM order_timeout_run
      WHERE outcome <> 'failed'`,
  );
  await shop.run(
    `INSERT INTO orders (id, order_no, user_id, source_type, status, total_amount, points_amount, coupon_id, created_at)
     WITH RECURSIVE n AS (SELECT 0 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 59)
     SELECT batch.id * 100 + n.i, CONCAT('NO', batch.id * 100 + n.i), 9000 + n.i, 1 + n.i % 2, 3, 5000, 0, 0,
            batch.created_at - INTERVAL 30 MINUTE - INTERVAL (batch.id * 7 + n.i * 13) % 75 SECOND
            - INTERVAL IF(DATE(batch.created_at) = '2026-01-12' AND HOUR(batch.created_at) = 15, 6 * 60 - n.i, 0) MINUTE
       FROM order_timeout_batch AS batch
       JOIN n ON n.i < 4 + (batch.id * 31) % 9 + DAY(batch.created_at) * 5 % 6 + IF(HOUR(batch.created_at) >= 19, 8, 0)
                     + IF(DATE(batch.created_at) = '2026-01-12' AND HOUR(batch.created_at) = 15, 40, 0)`,
  );
  await shop.run(
    `INSERT INTO order_timeout_cancellation
            (batch_id, order_id, user_id, source_type, cause, run_id, cancelled_at)
     SELECT batch.id, orders.id, orders.user_id, orders.source_type,
            IF(batch.cause = 'user', IF(orders.id % 4 = 0, 'admin', 'user'), 'timeout'), batch.run_id,
            batch.created_at
       FROM order_timeout_batch AS batch
       JOIN orders ON orders.id DIV 100 = batch.id`,
  );
  await shop.run(
    `INSERT INTO order_timeout_refund
            (order_id, kind, target_id, batch_id, user_id, account_id, amount, taken, source, cause, refunded_at)
     SELECT order_id, 'coupon', user_id, batch_id, user_id, user_id, 1000, 1000, 'order_coupons', cause, cancelled_at
       FROM order_timeout_cancellation
      WHERE order_id % 3 = 0
      UNION ALL
     SELECT order_id, 'points', 0, batch_id, user_id, user_id, order_id % 40, order_id % 40, 'orders', cause, cancelled_at
       FROM order_timeout_cancellation
      WHERE order_id % 40 > 0`,
  );
  await shop.run(
    `UPDATE order_timeout_run AS run
       JOIN (SELECT run_id, COUNT(*) AS cancelled FROM order_timeout_cancellation GROUP BY run_id) AS done
         ON done.run_id = run.id
        SET run.cancelled = done.cancelled`,
  );
  await shop.run(
    `INSERT INTO order_timeout_batch (id, cause, called_by, created_at)
     VALUES (2000, 'repair', 'test', '2026-01-25 11:00:00')`,
  );
  await shop.run(
    `INSERT INTO order_timeout_refund
            (order_id, kind, target_id, batch_id, user_id, account_id, amount, taken, source, cause, refunded_at)
     VALUES (28229, 'coupon', 1690, 2000, 9110, 1690, 40000, 40000, 'order_coupons', 'repair', '2026-01-25 11:00:00'),
            (28229, 'points', 0, 2000, 9110, 1, 2500, 2500, 'orders', 'repair', '2026-01-25 11:00:00')`,
  );
  // The sweep forgets the failures of orders that are no longer pending.
  await shop.run(
    `INSERT INTO orders (id, order_no, user_id, source_type, status, total_amount, created_at)
     VALUES (300001, 'NO300001', 9110, 3, 1, 5000, '2026-01-30 09:00:00'),
            (300002, 'NO300002', 9110, 3, 1, 5000, '2026-01-30 19:00:00')`,
  );
  await shop.run(
    `INSERT INTO order_timeout_failure
            (order_id, attempts, first_failed_at, last_failed_at, retry_at, error_number, error_state, error_message)
     VALUES (300001, 5, '2026-01-30 10:00:00', '2026-01-30 12:31:00', NULL, 1264, '22003',
             'Out of range value for column ''balance_amount'' at row 1'),
            (300002, 2, '2026-01-30 20:00:00', '2026-01-30 20:03:00', '2026-01-30 20:07:00', 1644, '45000',
             '<b>a trigger of the shop''s</b> refuses this user')`,
  );
}
