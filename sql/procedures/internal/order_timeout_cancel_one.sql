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
    DECLARE v_settled JSON;

    CALL order_timeout_settle_one(p_order_id, p_user_id, p_cause, p_remark, v_verdict, v_settled);

    SELECT p_order_id AS order_id,
           IF(v_verdict = 'settle', 'cancelled', v_verdict) AS outcome,
           COALESCE(JSON_VALUE(v_settled, '$.coupon_refunded' RETURNING SIGNED), 0) AS coupon_refunded,
           COALESCE(JSON_VALUE(v_settled, '$.points_refunded' RETURNING SIGNED), 0) AS points_refunded,
           CAST(JSON_VALUE(v_settled, '$.settled_at') AS DATETIME(3)) AS cancelled_at;
END$$
DELIMITER ;
