-- Refunds without their ledger row. The batch is missing once it was purged: it was settled then.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_violation_ledger AS
SELECT refund.order_id,
       CONCAT(refund.kind, ' ', refund.target_id, ': ', refund.amount,
              ' given back without a ledger row ', refund.ledger_action) AS detail
  FROM order_timeout_refund_ledger AS refund
  LEFT JOIN order_timeout_batch AS batch ON batch.id = refund.batch_id
 WHERE COALESCE(batch.settled, 1)
   AND refund.written = 0;
