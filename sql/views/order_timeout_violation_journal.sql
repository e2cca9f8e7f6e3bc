-- Refunds that the journal does not account for. A batch that was purged took its entries along.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_violation_journal AS
SELECT refund.order_id,
       CONCAT(refund.kind, ' ', refund.target_id, ': ', refund.amount,
              ' claimed by a settled batch that never gave it') AS detail
  FROM order_timeout_refund AS refund
  JOIN order_timeout_batch AS batch ON batch.id = refund.batch_id
 WHERE batch.settled
   AND NOT IF(refund.kind = 'coupon', batch.coupons_given, batch.points_given)
 UNION ALL
SELECT refund.order_id,
       CONCAT(refund.kind, ' ', refund.target_id, ': ', refund.amount,
              ' given back without a row in order_timeout_cancellation') AS detail
  FROM order_timeout_refund AS refund
  JOIN order_timeout_batch AS batch ON batch.id = refund.batch_id
  LEFT JOIN order_timeout_cancellation AS cancellation
    ON cancellation.batch_id = refund.batch_id AND cancellation.order_id = refund.order_id
 WHERE batch.settled
   AND batch.cause <> 'repair'
   AND cancellation.order_id IS NULL
 UNION ALL
SELECT cancellation.order_id,
       CONCAT(COUNT(*), ' entries for one cancellation, at ', cancellation.cancelled_at) AS detail
  FROM order_timeout_cancellation AS cancellation
  JOIN order_timeout_batch AS batch ON batch.id = cancellation.batch_id
 WHERE batch.settled
 GROUP BY cancellation.order_id, cancellation.cancelled_at
HAVING COUNT(*) > 1;
