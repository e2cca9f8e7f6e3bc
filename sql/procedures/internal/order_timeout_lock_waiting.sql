DROP PROCEDURE IF EXISTS order_timeout_lock_waiting;
DELIMITER $$
CREATE PROCEDURE order_timeout_lock_waiting (
    IN p_order_id BIGINT,
    OUT p_found JSON
)
    COMMENT 'Locks the coupons and the points row of an order, waiting for whoever holds them.
Called before anything is given, so that a call killed while it waits has nothing half done.
Parameters: p_order_id: orders.id, locked by the caller. p_found: what it took, see order_timeout_settle().'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_coupon_id BIGINT;
    DECLARE v_locked_coupon_id BIGINT;
    DECLARE v_points_user_id BIGINT;
    DECLARE v_points_row_id BIGINT;
    DECLARE v_rows INT;
    DECLARE v_coupons INT;
    DECLARE v_is_among_them BOOLEAN;

    SELECT orders.coupon_id, user_coupons.id, IF(orders.points_amount > 0, orders.user_id, NULL)
      INTO v_coupon_id, v_locked_coupon_id, v_points_user_id
      FROM orders
      LEFT JOIN user_coupons ON user_coupons.id = orders.coupon_id AND orders.coupon_id > 0
     WHERE orders.id = p_order_id
       FOR UPDATE;
    SELECT /*+ JOIN_INDEX(order_coupons) */
           COUNT(*), COUNT(DISTINCT user_coupons.id), COALESCE(MAX(user_coupons.id = v_locked_coupon_id), 0)
      INTO v_rows, v_coupons, v_is_among_them
      FROM order_coupons
      LEFT JOIN user_coupons ON user_coupons.id = order_coupons.user_coupon_id
     WHERE order_coupons.order_id = p_order_id
       AND order_coupons.user_coupon_id > 0
       FOR SHARE OF order_coupons
       FOR UPDATE OF user_coupons;
    IF v_points_user_id IS NOT NULL THEN
        SET v_points_row_id = (
            SELECT id FROM user_points WHERE user_id = v_points_user_id ORDER BY id LIMIT 1 FOR UPDATE);
        IF v_points_row_id IS NULL THEN
            CALL order_timeout_open_points_accounts(JSON_ARRAY(p_order_id));
        END IF;
    END IF;

    SET p_found = JSON_OBJECT(
        'coupons', v_coupons + (v_locked_coupon_id IS NOT NULL AND NOT v_is_among_them),
        'has_findings', v_rows > v_coupons OR (COALESCE(v_coupon_id, 0) > 0 AND v_locked_coupon_id IS NULL),
        'with_points', IF(v_points_user_id IS NULL, JSON_ARRAY(), JSON_ARRAY(p_order_id)));
END$$
DELIMITER ;
