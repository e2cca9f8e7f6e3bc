DROP PROCEDURE IF EXISTS repair_missing_refund;
DELIMITER $$
CREATE PROCEDURE repair_missing_refund (
    IN p_order_id BIGINT
)
    COMMENT 'Gives back what audit_missing_refunds() finds for a cancelled order, exactly once, with the ledger action repair_refund.
Transactions as in cancel_expired_order(). Called again, or for an order that lacks nothing, it gives nothing and returns no row.
Parameters: p_order_id: orders.id.
Result: as audit_missing_refunds(), and given: what came back now; 0: taken anew after an earlier refund, for a person to decide.
Errors: 50001 p_order_id is NULL or not positive; 1205 and 1213 lock conflicts: call again.
Example: CALL repair_missing_refund(28229)'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_verdict VARCHAR(16);
    DECLARE v_settled JSON;
    DECLARE v_batch_id BIGINT UNSIGNED;

    CALL order_timeout_require_id('p_order_id', p_order_id);
    CALL order_timeout_settle_one(p_order_id, NULL, 'repair', 'order_repair', v_verdict, v_settled);
    SET v_batch_id = v_settled -> '$.batch_id';

    -- What was given is in the ledger by now: before, so much less had been returned.
    SELECT refund.order_id, refund.user_id, 'coupon' AS kind, refund.target_id,
           due.taken, due.returned - refund.amount AS returned, refund.amount AS missing, refund.source,
           refund.amount AS given
      FROM order_timeout_refund AS refund
      JOIN order_timeout_coupon_due AS due ON due.order_id = refund.order_id AND due.coupon_id = refund.target_id
     WHERE refund.order_id = p_order_id AND refund.kind = 'coupon' AND refund.batch_id = v_batch_id
     UNION ALL
    SELECT refund.order_id, refund.user_id, 'points', refund.target_id,
           due.taken, due.returned - refund.amount, refund.amount, refund.source, refund.amount
      FROM order_timeout_refund AS refund
      JOIN order_timeout_points_due AS due ON due.order_id = refund.order_id
     WHERE refund.order_id = p_order_id AND refund.kind = 'points' AND refund.batch_id = v_batch_id
     UNION ALL
    SELECT order_id, user_id, 'coupon', coupon_id, taken, returned, amount, source, 0
      FROM order_timeout_coupon_refundable
     WHERE order_id = p_order_id AND is_second_take AND v_batch_id IS NOT NULL
     UNION ALL
    SELECT order_id, user_id, 'points', user_id, taken, returned, amount, source, 0
      FROM order_timeout_points_refundable
     WHERE order_id = p_order_id AND is_second_take AND v_batch_id IS NOT NULL;
END$$
DELIMITER ;
