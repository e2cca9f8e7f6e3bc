-- Orders that got something back from us and are pending or paid: reopened by an admin, or paid late.
-- Nothing is wrong with the books; whether the user owes the shop is for a person to say.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_reopened AS
SELECT refund.order_id,
       refund.user_id,
       orders.status,
       refund.kind,
       refund.target_id,
       refund.amount,
       refund.refunded_at
  FROM order_timeout_refund AS refund
  JOIN orders ON orders.id = refund.order_id
  LEFT JOIN order_timeout_batch AS batch ON batch.id = refund.batch_id
 WHERE orders.status IN (1 /* pending */, 2 /* paid */)
   AND COALESCE(batch.settled, 1);
