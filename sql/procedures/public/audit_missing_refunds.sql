DROP PROCEDURE IF EXISTS audit_missing_refunds;
DELIMITER $$
CREATE PROCEDURE audit_missing_refunds (
    IN p_since DATETIME(3)
)
    COMMENT 'Lists cancelled orders that never got something back, whoever cancelled them. Locks nothing.
repair_missing_refund() gives it back, unless the shop took anew for an order that was reopened
after a refund: that is for a person to decide.
Parameters: p_since: orders.created_at from then on, in the shop''s clock; NULL: all.
Result: order_id, user_id, kind (coupon, points), target_id (the coupon''s or the user''s id), taken, returned, missing (minor units),
source (order_coupons, ledger or orders: where it is known from what was taken).
Errors: 50003 order_timeout_setting has lost its row.
Example: CALL audit_missing_refunds(''2026-01-01'')'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_caller_time_zone VARCHAR(64) DEFAULT @@SESSION.time_zone;
    DECLARE v_clock CHAR(6);
    DECLARE v_now DATETIME(3);
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        SET SESSION time_zone = v_caller_time_zone;
        RESIGNAL;
    END;

    CALL order_timeout_read_clock(v_clock, v_now);
    SET SESSION time_zone = v_clock;
    SELECT /*+ JOIN_FIXED_ORDER() */
           refundable.order_id, refundable.user_id, 'coupon' AS kind, refundable.coupon_id AS target_id,
           refundable.taken, refundable.returned, refundable.amount AS missing, refundable.source
      FROM orders
      JOIN order_timeout_coupon_refundable AS refundable ON refundable.order_id = orders.id
     WHERE orders.status = 3 /* cancelled */
       AND orders.created_at >= COALESCE(p_since, '1000-01-01')
     UNION ALL
    SELECT /*+ JOIN_FIXED_ORDER() */
           refundable.order_id, refundable.user_id, 'points', refundable.user_id,
           refundable.taken, refundable.returned, refundable.amount, refundable.source
      FROM orders
      JOIN order_timeout_points_refundable AS refundable ON refundable.order_id = orders.id
     WHERE orders.status = 3 /* cancelled */
       AND orders.created_at >= COALESCE(p_since, '1000-01-01')
     ORDER BY order_id, kind, target_id;
    SET SESSION time_zone = v_caller_time_zone;
END$$
DELIMITER ;
