-- What each coupon of each order was taken for, what came back, and what is due, by the shop's own tables.
-- JOIN_INDEX: a scan of a small ledger would lock all of it for a caller in REPEATABLE READ.
-- + 0 keeps an index on the coupon out of it: a coupon can have any number of ledger rows, an order has a few.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_coupon_due AS
SELECT target.order_id,
       target.user_id,
       target.coupon_id,
       IF(target.applied > 0, target.applied, ledger.taken) AS taken,
       ledger.returned,
       IF(ledger.timed_out, 0,
          GREATEST(IF(target.applied > 0, target.applied, ledger.taken) - ledger.returned, 0)) AS due,
       IF(target.applied > 0, 'order_coupons', 'ledger') AS source,
       ledger.taken AS ledger_taken
  FROM order_timeout_coupon_target AS target
  JOIN LATERAL (
       SELECT /*+ JOIN_INDEX(user_coupon_ledger) */
              CAST(COALESCE(SUM(IF(change_amount < 0 AND action IN ('reserve', 'usage'), -change_amount, 0)), 0)
                   AS SIGNED) AS taken,
              CAST(COALESCE(SUM(GREATEST(change_amount, 0)), 0) AS SIGNED) AS returned,
              COALESCE(MAX(action = 'timeout_refund'), 0) AS timed_out
         FROM user_coupon_ledger
        WHERE user_coupon_ledger.order_id = target.order_id
          AND user_coupon_ledger.user_coupon_id + 0 = target.coupon_id
       ) AS ledger;
