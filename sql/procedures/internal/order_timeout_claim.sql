DROP PROCEDURE IF EXISTS order_timeout_claim;
DELIMITER $$
CREATE PROCEDURE order_timeout_claim (
    IN p_order_ids JSON,
    IN p_cause VARCHAR(16),
    IN p_remark VARCHAR(255),
    IN p_run_id BIGINT UNSIGNED,
    IN p_now DATETIME(3)
)
    COMMENT 'Opens the journal for orders that are about to be cancelled.
A claim that an earlier call left half done is taken over; its refunds that were not given yet are computed anew.
Parameters: as order_timeout_settle(). p_now: in the shop''s clock.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    INSERT INTO order_timeout_cancellation
           (order_id, in_progress, user_id, source_type, cause, remark, called_by, run_id, cancelled_at)
    SELECT orders.id, 1, orders.user_id, orders.source_type, p_cause, p_remark, USER(), p_run_id, p_now
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
      JOIN orders ON orders.id = batch.order_id
        ON DUPLICATE KEY UPDATE
           cause = p_cause, remark = p_remark, called_by = USER(), run_id = p_run_id, cancelled_at = p_now;

    DELETE refund
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
      JOIN order_timeout_refund AS refund ON refund.order_id = batch.order_id
     WHERE refund.given_at IS NULL;
END$$
DELIMITER ;
