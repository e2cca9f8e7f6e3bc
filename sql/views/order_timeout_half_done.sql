-- What calls that were cut short left committed: the next cancel of the order completes it.
-- A pending order is completed by the sweep when it is due; one that is paid or cancelled is for a person.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_half_done AS
SELECT refund.order_id,
       orders.status,
       batch.id AS batch_id,
       batch.cause,
       refund.kind,
       refund.target_id,
       refund.amount,
       IF(refund.kind = 'coupon', batch.coupons_given, batch.points_given) AS is_given,
       batch.created_at
  FROM order_timeout_batch AS batch
  JOIN order_timeout_refund AS refund ON refund.batch_id = batch.id
  LEFT JOIN orders ON orders.id = refund.order_id
 WHERE NOT batch.settled;
