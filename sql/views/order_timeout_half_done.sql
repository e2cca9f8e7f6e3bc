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
  JOIN JSON_TABLE(batch.order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS listed
  JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
    ON refund.order_id = listed.order_id AND refund.batch_id = batch.id
  LEFT JOIN orders ON orders.id = refund.order_id
 WHERE batch.settled = 0;
