-- Coupon money of each order that is to come back, less what the journal says has come back already.
-- is_second_take: all came back once, and the shop took anew for the same order, as our journal or a later row of its
-- ledger says: that is for a person to decide.
-- A refund that a half-done call claimed and did not give counts as not come back; one that it gave is not listed.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_coupon_refundable AS
SELECT due.order_id,
       due.user_id,
       due.coupon_id,
       IF(earlier.order_id IS NULL AND due.due > 0, due.taken, due.ledger_taken) AS taken,
       due.returned,
       IF(earlier.order_id IS NULL AND due.due > 0, due.due, due.ledger_taken - due.returned) AS amount,
       IF(earlier.order_id IS NULL AND due.due > 0, due.source, 'ledger') AS source,
       NOT (earlier.order_id IS NULL AND due.due > 0) AS is_second_take,
       user_coupons.status AS coupon_status,
       user_coupons.used_order_id
  FROM order_timeout_coupon_due AS due
  JOIN user_coupons FORCE INDEX (PRIMARY) ON user_coupons.id = due.coupon_id
  LEFT JOIN (order_timeout_refund AS earlier FORCE INDEX (PRIMARY)
             LEFT JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY) ON batch.id = earlier.batch_id)
    ON earlier.order_id = due.order_id AND earlier.kind = 'coupon' AND earlier.target_id = due.coupon_id
       AND COALESCE(batch.settled OR batch.coupons_given, 1)
 WHERE COALESCE(batch.settled, 1)
   AND IF(earlier.order_id IS NULL AND due.due > 0, due.due, due.ledger_taken - due.returned) > 0
   AND (earlier.order_id IS NOT NULL
        OR due.due > 0
        OR (SELECT /*+ JOIN_INDEX(entry) */
                   MAX(IF(entry.change_amount < 0, entry.id, 0)) > MIN(IF(entry.change_amount > 0, entry.id, NULL))
              FROM user_coupon_ledger AS entry
             WHERE entry.order_id = due.order_id
               AND entry.user_coupon_id + 0 = due.coupon_id));
