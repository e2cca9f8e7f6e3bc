DROP PROCEDURE IF EXISTS cancel_order;
DELIMITER $$
CREATE PROCEDURE cancel_order (
    IN p_order_id BIGINT,
    IN p_user_id BIGINT,
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4
)
    COMMENT 'Cancels one unpaid order for its user or an admin, and gives back its coupons and points, exactly once.
Neither age, policy nor hold matters. Transactions as in cancel_expired_order().
Parameters: p_order_id: orders.id. p_user_id: the order must be this user''s; NULL: an admin cancels.
p_remark: goes to the journal and the points ledger; NULL: order_cancel.
Result: 1 row: order_id, outcome, coupon_refunded, points_refunded (minor units), cancelled_at (in the shop''s clock; NULL unless cancelled).
Outcomes: cancelled, not_found, not_owner, not_pending.
Errors: 50001 p_order_id is NULL or not positive, or p_user_id is not positive; 1205 and 1213 lock conflicts: call again.
Example: CALL cancel_order(28229, 9110, ''changed my mind'')'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    CALL order_timeout_require_id('p_order_id', p_order_id);
    IF p_user_id IS NOT NULL THEN
        CALL order_timeout_require_id('p_user_id', p_user_id);
    END IF;
    CALL order_timeout_cancel_one(p_order_id, p_user_id, IF(p_user_id IS NULL, 'admin', 'user'),
                                  COALESCE(p_remark, 'order_cancel'));
END$$
DELIMITER ;
