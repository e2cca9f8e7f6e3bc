-- Pending orders with what keeps the sweep from them; the reader compares the times with its own now.
-- FORCE INDEX: statistics may say that a table is empty when it no longer is.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_candidate AS
SELECT orders.id AS order_id,
       orders.user_id,
       orders.source_type,
       orders.created_at,
       hold.held_until,
       failure.order_id IS NOT NULL AS has_failed,
       failure.retry_at
  FROM orders
  LEFT JOIN order_timeout_hold AS hold FORCE INDEX (PRIMARY) ON hold.order_id = orders.id
  LEFT JOIN order_timeout_failure AS failure FORCE INDEX (PRIMARY) ON failure.order_id = orders.id
 WHERE orders.status = 1 /* pending */;
