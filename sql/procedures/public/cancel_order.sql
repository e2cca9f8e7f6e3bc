DROP PROCEDURE IF EXISTS cancel_order;
DELIMITER $$
CREATE PROCEDURE cancel_order (
    IN p_order_id BIGINT,
    IN p_user_id BIGINT,
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4
)
    COMMENT 'Description: cancels one unpaid order for its user, and gives back what it took, exactly once. Neither age, policy nor hold
matters. Transactions as in cancel_expired_order().
Parameters: p_order_id: the order''s id. p_user_id: the order must be this user''s. p_remark: goes to the journal and the ledgers;
NULL: order_cancel.
Result: as of cancel_expired_order(). Outcomes: cancelled, not_found, not_owner, not_pending, contradictory.
Errors: 50001 an id is NULL or not positive; others as of cancel_expired_order().
Example: CALL cancel_order(28229, 9110, ''changed my mind'')'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
{{> distrust_session}}
    CALL order_timeout_require_id('p_order_id', p_order_id);
    CALL order_timeout_require_id('p_user_id', p_user_id);
    CALL order_timeout_cancel(p_order_id, p_user_id, 'user', COALESCE(p_remark, 'order_cancel'));
END$$
DELIMITER ;
