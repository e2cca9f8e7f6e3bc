-- The coupons of every order: orders.coupon_id and each row of order_coupons, once each.
-- applied: order_coupons.applied_amount (of two rows the larger), NULL without a row; copies: how many rows.
-- FORCE INDEX: a scan, which a small table invites, would wait for orders that somebody has locked.
-- LATERAL keeps the work to the orders that a query joins with: the view itself has no cost.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_coupon_target AS
SELECT orders.id AS order_id,
       orders.user_id,
       target.coupon_id,
       target.applied,
       target.copies
  FROM orders FORCE INDEX (PRIMARY)
  JOIN LATERAL (
       SELECT named.coupon_id,
              CAST(MAX(named.applied) AS SIGNED) AS applied,
              COUNT(named.applied) AS copies
         FROM (SELECT orders.coupon_id, NULL AS applied
                UNION ALL
               SELECT /*+ JOIN_INDEX(order_coupons) */ order_coupons.user_coupon_id, order_coupons.applied_amount
                 FROM order_coupons
                WHERE order_coupons.order_id = orders.id) AS named
        WHERE named.coupon_id > 0
        GROUP BY named.coupon_id
       ) AS target;
