-- The points that each order took, what came back, and what is due, by the shop's own tables.
-- CONCAT() makes the id a text without a collation of its own, so that ref_id is compared in its own.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_points_due AS
SELECT orders.id AS order_id,
       orders.user_id,
       CAST(orders.points_amount AS SIGNED) AS taken,
       ledger.returned,
       GREATEST(CAST(orders.points_amount AS SIGNED) - ledger.returned, 0) AS due,
       'orders' AS source,
       ledger.taken AS ledger_taken
  FROM orders FORCE INDEX (PRIMARY)
  JOIN LATERAL (
       SELECT /*+ JOIN_INDEX(user_points_ledger) */
              CAST(COALESCE(SUM(GREATEST(-points, 0)), 0) AS SIGNED) AS taken,
              CAST(COALESCE(SUM(GREATEST(points, 0)), 0) AS SIGNED) AS returned
         FROM user_points_ledger
        WHERE user_points_ledger.user_id = orders.user_id
          AND user_points_ledger.ref_table = 'orders'
          AND user_points_ledger.ref_id = CONCAT(orders.id)
       ) AS ledger
 WHERE orders.points_amount > 0;
