DROP PROCEDURE IF EXISTS cancel_order_as_admin;
DELIMITER $$
CREATE PROCEDURE cancel_order_as_admin (
    IN p_order_id BIGINT,
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4
)
    COMMENT 'Description: cancels one unpaid order, whoever''s it is, and gives back what it took, exactly once. Neither age, policy nor
hold matters. Grant it to the accounts of admins only. Transactions as in cancel_expired_order().
Parameters: p_order_id: the order''s id. p_remark: goes to the journal and the ledgers; NULL: order_cancel.
Result: as of cancel_expired_order(). Outcomes: cancelled, not_found, not_pending, contradictory.
Errors: 50001 p_order_id is NULL or not positive; others as of cancel_expired_order().
Example: CALL cancel_order_as_admin(28229, ''fraud'')'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
{{> distrust_session}}
    CALL order_timeout_require_id('p_order_id', p_order_id);
    CALL order_timeout_cancel(p_order_id, NULL, 'admin', COALESCE(p_remark, 'order_cancel'));
END$$
DELIMITER ;
