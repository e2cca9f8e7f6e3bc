-- Orders that got something back from us and are pending or paid: reopened by an admin, or paid late.
-- Nothing is wrong with the books; whether the user owes the shop is for a person to say.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_reopened AS
SELECT refund.order_id,
       refund.user_id,
       o.status,
       refund.kind,
       refund.target_id,
       refund.amount,
       refund.refunded_at
  FROM order_timeout_refund AS refund
  JOIN order_timeout_shop_order AS o ON o.order_id = refund.order_id
 WHERE o.status IN ({{orders.pending}}, {{orders.paid}});
