-- Orders to which more came back than they took, among those that we gave something back for.
-- A reopened order takes anew and may get that back as well: every take in the ledger counts.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_violation_excess AS
SELECT refund.order_id,
       CONCAT(refund.kind, ' ', refund.target_id, ': ', refund.returned, ' given back of ',
              GREATEST(refund.taken, COALESCE(target.applied, 0)), ' taken') AS detail
  FROM order_timeout_refund_ledger AS refund
  JOIN orders ON orders.id = refund.order_id
  LEFT JOIN order_timeout_coupon_target AS target
    ON target.order_id = refund.order_id AND target.coupon_id = refund.target_id
 WHERE refund.kind = 'coupon'
   AND refund.returned > GREATEST(refund.taken, COALESCE(target.applied, 0))
 UNION ALL
SELECT refund.order_id,
       CONCAT(refund.kind, ' ', refund.target_id, ': ', refund.returned, ' given back of ',
              GREATEST(refund.taken, CAST(orders.points_amount AS SIGNED)), ' taken') AS detail
  FROM order_timeout_refund_ledger AS refund
  JOIN orders ON orders.id = refund.order_id
 WHERE refund.kind = 'points'
   AND refund.returned > GREATEST(refund.taken, CAST(orders.points_amount AS SIGNED));
