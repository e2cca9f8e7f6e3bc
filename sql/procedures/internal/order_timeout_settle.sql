DROP PROCEDURE IF EXISTS order_timeout_settle;
DELIMITER $$
CREATE PROCEDURE order_timeout_settle (
    IN p_order_ids JSON,
    IN p_cause VARCHAR(16),
    IN p_remark VARCHAR(255),
    IN p_run_id BIGINT UNSIGNED,
    IN p_has_findings BOOLEAN
)
    COMMENT 'Cancels orders and gives back what they took: the one way in which an order of ours is cancelled.
Every statement is right to repeat, so that a call cut short is completed by the next.
Parameters: p_order_ids: orders.id, locked with their coupons and points rows by the caller.
p_cause: timeout, user or admin. p_remark: for the journal and the points ledger. p_run_id: order_timeout_run.id or NULL.
p_has_findings: as the locking procedures say.
The session''s time zone is the shop''s clock, and sql_safe_updates is off.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_now DATETIME(3);

    SET v_now = CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', (SELECT clock FROM order_timeout_setting));
    CALL order_timeout_claim(p_order_ids, p_cause, p_remark, p_run_id, v_now);
    IF p_has_findings THEN
        CALL order_timeout_note_findings(p_order_ids);
    END IF;
    CALL order_timeout_give_coupons(p_order_ids, p_cause, v_now);
    CALL order_timeout_give_points(p_order_ids, p_cause, p_remark, v_now);
    CALL order_timeout_close(p_order_ids, v_now);
END$$
DELIMITER ;
