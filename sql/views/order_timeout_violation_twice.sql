-- Refunds with more than one ledger row of ours. After a timeout_refund or a repair_refund of a coupon
-- nothing more is due, so one such row is the most; doubles of the other kinds show as an excess.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_violation_twice AS
SELECT refund.order_id,
       CONCAT(refund.kind, ' ', refund.target_id, ': given back ', refund.marks, ' times') AS detail
  FROM order_timeout_refund_ledger AS refund
 WHERE refund.marks > 1;
