DROP PROCEDURE IF EXISTS order_timeout_settle;
DELIMITER $$
CREATE PROCEDURE order_timeout_settle (
    IN p_order_ids JSON,
    IN p_cause VARCHAR(16),
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4,
    IN p_run_id BIGINT UNSIGNED,
    IN p_coupons INT,
    IN p_has_findings BOOLEAN,
    IN p_has_half_done BOOLEAN,
    OUT p_batch_id BIGINT UNSIGNED
)
    COMMENT 'Gives back what orders took, and cancels them: the one way in which an order of ours is cancelled or repaired.
A call cut short in the middle is completed by the next one for the same order.
Parameters: p_order_ids: orders.id, locked with their coupons and points rows by the caller.
p_cause: timeout, user, admin, or repair of orders that are cancelled already. p_remark: for the journal and the points ledger.
p_run_id: order_timeout_run.id or NULL. p_coupons, p_has_findings: as the locking procedures say.
p_has_half_done: 1: a call that was cut short has left something, even if it is not seen. p_batch_id: order_timeout_batch.id.
The session''s time zone is the shop''s clock, and sql_safe_updates is off.
No statement reads a range of our tables with a lock: in a caller''s REPEATABLE READ that would lock the gap behind it,
and keep others from cancelling other orders. What a statement needs of them is read into a list first. The exception
is what a call that was cut short has left: rare, and read as it is now, not as it was in the caller''s snapshot.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_clock CHAR(6);
    DECLARE v_now DATETIME(3);
    DECLARE v_half_done INT;
    DECLARE v_coupon_refunds JSON;
    DECLARE v_points_refunds JSON;

    CALL order_timeout_read_clock(v_clock, v_now);
    INSERT INTO order_timeout_batch (cause, remark, called_by, run_id, created_at)
    VALUES (p_cause, p_remark, USER(), p_run_id, v_now);
    SET p_batch_id = LAST_INSERT_ID();

    SELECT p_has_half_done OR COUNT(*)
      INTO v_half_done
      FROM (SELECT 1 FROM order_timeout_batch WHERE settled = 0 AND id <> p_batch_id LIMIT 1) AS unsettled;
    IF v_half_done THEN
        CALL order_timeout_complete_half_done(p_batch_id, p_order_ids, p_remark);
    END IF;

    CALL order_timeout_give_coupons(p_batch_id, p_order_ids, p_coupons, p_cause, v_now, v_coupon_refunds);
    CALL order_timeout_give_points(p_batch_id, p_order_ids, p_cause, p_remark, v_now, v_points_refunds);
    IF v_half_done THEN
        CALL order_timeout_adopt_half_done(p_batch_id, p_order_ids, v_coupon_refunds, v_points_refunds);
    END IF;

    IF p_cause = 'repair' THEN
        UPDATE order_timeout_batch SET settled = 1 WHERE id = p_batch_id;
    ELSE
        CALL order_timeout_close_orders(p_batch_id, p_order_ids, p_cause, p_run_id, p_has_findings, v_now,
                                        v_coupon_refunds, v_points_refunds);
    END IF;
END$$
DELIMITER ;
