DROP PROCEDURE IF EXISTS order_timeout_settle;
DELIMITER $$
CREATE PROCEDURE order_timeout_settle (
    IN p_order_ids JSON,
    IN p_found JSON,
    IN p_cause VARCHAR(16),
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4,
    IN p_run_id BIGINT UNSIGNED,
    IN p_now DATETIME(3),
    IN p_has_half_done BOOLEAN,
    OUT p_settled JSON
)
    COMMENT 'Gives back what orders took, and cancels them: the one way in which an order of ours is cancelled or repaired.
A call cut short in the middle is completed by the next one for the same order.
Parameters: p_order_ids: orders.id, locked with their coupons and points rows by the caller.
p_cause: timeout, user, admin, or repair of orders that are cancelled already. p_remark: for the journal and the points ledger.
p_found: what the locking found them to have taken: {"coupons": how many that exist, "has_findings": 1 when some coupon
may not exist or stands twice in order_coupons, "with_points": [orders.id]}; what nobody took need not be looked for.
p_run_id: order_timeout_run.id or NULL. p_now: in the shop''s clock.
p_has_half_done: 1: a call that was cut short has left something, even if it is not seen.
p_settled: {"batch_id": order_timeout_batch.id, "coupon_refunded", "points_refunded": what came back in all,
"settled_at": p_now, "met": [order_timeout_batch.id or null: that had claimed coupons and points before]}.
The session''s time zone is the shop''s clock, and sql_safe_updates is off.
No statement reads a range of our tables with a lock: in a caller''s REPEATABLE READ that would lock the gap behind it,
and keep others from cancelling other orders. What a statement needs of them is read into a list first. The exception
is what a call that was cut short has left: rare, and read as it is now, not as it was in the caller''s snapshot.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_coupons INT DEFAULT p_found -> '$.coupons';
    DECLARE v_with_points JSON DEFAULT p_found -> '$.with_points';
    DECLARE v_first_unsettled BIGINT UNSIGNED;
    DECLARE v_batch_id BIGINT UNSIGNED;
    DECLARE v_coupon_refunded BIGINT;
    DECLARE v_points_refunded BIGINT;
    DECLARE v_met_by_coupons BIGINT UNSIGNED;
    DECLARE v_met_by_points BIGINT UNSIGNED;

    -- MIN() first: nearly always there is none, and it is found without reading a row.
    SELECT MIN(id)
      INTO v_first_unsettled
      FROM order_timeout_batch
     WHERE settled = 0;
    IF v_first_unsettled IS NOT NULL AND NOT p_has_half_done THEN
        SELECT COUNT(*) > 0
          INTO p_has_half_done
          FROM order_timeout_batch
         WHERE settled = 0 AND JSON_OVERLAPS(order_ids, p_order_ids);
    END IF;
    INSERT INTO order_timeout_batch (cause, remark, called_by, run_id, order_ids, created_at)
    VALUES (p_cause, p_remark, USER(), p_run_id, p_order_ids, p_now);
    SET v_batch_id = LAST_INSERT_ID();

    IF p_has_half_done THEN
        CALL order_timeout_complete_half_done(v_batch_id, p_order_ids, p_remark);
    END IF;

    IF v_coupons > 0 THEN
        CALL order_timeout_give_coupons(v_batch_id, p_order_ids, v_coupons, p_cause, p_now,
                                        v_coupon_refunded, v_met_by_coupons);
    END IF;
    IF JSON_LENGTH(v_with_points) > 0 THEN
        CALL order_timeout_give_points(v_batch_id, v_with_points, p_cause, p_remark, p_now,
                                       v_points_refunded, v_met_by_points);
    END IF;
    IF p_has_half_done THEN
        CALL order_timeout_adopt_half_done(v_batch_id, p_order_ids, v_coupon_refunded, v_points_refunded);
    END IF;

    IF p_cause = 'repair' THEN
        UPDATE order_timeout_batch SET settled = 1 WHERE id = v_batch_id;
    ELSE
        CALL order_timeout_close_orders(v_batch_id, p_order_ids, p_cause, p_run_id, p_found -> '$.has_findings', p_now);
    END IF;

    SET p_settled = JSON_OBJECT('batch_id', v_batch_id,
                                'coupon_refunded', COALESCE(v_coupon_refunded, 0),
                                'points_refunded', COALESCE(v_points_refunded, 0),
                                'settled_at', p_now,
                                'met', JSON_ARRAY(v_met_by_coupons, v_met_by_points));
END$$
DELIMITER ;
