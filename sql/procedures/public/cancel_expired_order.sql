DROP PROCEDURE IF EXISTS cancel_expired_order;
DELIMITER $$
CREATE PROCEDURE cancel_expired_order (
    IN p_order_id BIGINT
)
    COMMENT 'Cancels one unpaid order that is past its time, and gives back its coupons and points, exactly once.
Runs its own transaction; called inside one, it joins it and the caller''s COMMIT or ROLLBACK decides.
Parameters: p_order_id: orders.id.
Result: 1 row: order_id, outcome, coupon_refunded, points_refunded (minor units), cancelled_at (in the shop''s clock; NULL unless cancelled).
Outcomes: cancelled, not_found, not_pending, not_expired, excluded, on_hold.
Errors: 50001 p_order_id is NULL or not positive; 1205 and 1213 lock conflicts: call again.
Example: CALL cancel_expired_order(28229)'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    CALL order_timeout_require_id('p_order_id', p_order_id);
    CALL order_timeout_cancel_one(p_order_id, NULL, 'timeout', 'order_timeout');
END$$
DELIMITER ;
