DROP PROCEDURE IF EXISTS order_timeout_cancel_one;
DELIMITER $$
CREATE PROCEDURE order_timeout_cancel_one (
    IN p_order_id BIGINT,
    IN p_user_id BIGINT,
    IN p_cause VARCHAR(16),
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4
)
    COMMENT 'Cancels one order and tells what came of it. Called by cancel_expired_order() and cancel_order().
Parameters: as order_timeout_settle_one().
Result: 1 row: order_id, outcome, coupon_refunded, points_refunded, cancelled_at.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_verdict VARCHAR(16);
    DECLARE v_batch_id BIGINT UNSIGNED;

    CALL order_timeout_settle_one(p_order_id, p_user_id, p_cause, p_remark, v_verdict, v_batch_id);

    SELECT p_order_id AS order_id,
           IF(v_verdict = 'settle', 'cancelled', v_verdict) AS outcome,
           COALESCE(MAX(coupon_refunded), 0) AS coupon_refunded,
           COALESCE(MAX(points_refunded), 0) AS points_refunded,
           MAX(cancelled_at) AS cancelled_at
      FROM order_timeout_cancellation
     WHERE batch_id = v_batch_id AND order_id = p_order_id;
END$$
DELIMITER ;
