-- Each refund of the journal with what the shop's ledgers say of its order and target.
-- written: rows of the refund's own action and amount; ledger_action: that action;
-- marks: rows of an action after which nothing more is due; taken, returned: sums of all rows.
-- JOIN_INDEX: while the statistics are older than a bulk of orders, each refund would scan the coupons' ledger.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_refund_ledger AS
SELECT refund.order_id, refund.kind, refund.target_id, refund.batch_id, refund.amount, refund.cause,
       expected.ledger_action, ledger.written, ledger.marks, ledger.taken, ledger.returned
  FROM order_timeout_refund AS refund
  JOIN LATERAL (
       SELECT CASE refund.cause WHEN 'timeout' THEN 'timeout_refund'
                                WHEN 'repair' THEN 'repair_refund'
                                ELSE 'cancel_refund' END AS ledger_action
       ) AS expected
  JOIN LATERAL (
       SELECT /*+ JOIN_INDEX(row_of) */
              COALESCE(SUM(row_of.action = expected.ledger_action
                           AND row_of.change_amount = refund.amount), 0) AS written,
              COALESCE(SUM(row_of.action IN ('timeout_refund', 'repair_refund')), 0) AS marks,
              COALESCE(SUM(GREATEST(-row_of.change_amount, 0)), 0) AS taken,
              COALESCE(SUM(GREATEST(row_of.change_amount, 0)), 0) AS returned
         FROM user_coupon_ledger AS row_of
        WHERE row_of.order_id = refund.order_id
          AND row_of.user_coupon_id + 0 = refund.target_id
       ) AS ledger
 WHERE refund.kind = 'coupon'
 UNION ALL
SELECT refund.order_id, refund.kind, refund.target_id, refund.batch_id, refund.amount, refund.cause,
       expected.ledger_action, ledger.written, 0 AS marks, ledger.taken, ledger.returned
  FROM order_timeout_refund AS refund
  JOIN LATERAL (
       SELECT CASE refund.cause WHEN 'timeout' THEN 'timeout_refund'
                                WHEN 'repair' THEN 'repair_refund'
                                ELSE 'cancel_refund' END AS ledger_action
       ) AS expected
  JOIN LATERAL (
       SELECT COALESCE(SUM(row_of.action = expected.ledger_action
                           AND row_of.points = refund.amount), 0) AS written,
              COALESCE(SUM(GREATEST(-row_of.points, 0)), 0) AS taken,
              COALESCE(SUM(GREATEST(row_of.points, 0)), 0) AS returned
         FROM user_points_ledger AS row_of
        WHERE row_of.user_id = refund.user_id
          AND row_of.ref_table = 'orders'
          AND row_of.ref_id = CONCAT(refund.order_id)
       ) AS ledger
 WHERE refund.kind = 'points';
