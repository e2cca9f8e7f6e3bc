DROP PROCEDURE IF EXISTS order_timeout_lock_skipping;
DELIMITER $$
CREATE PROCEDURE order_timeout_lock_skipping (
    INOUT p_order_ids JSON,
    IN p_now DATETIME(3),
    OUT p_coupons INT,
    OUT p_has_findings BOOLEAN
)
    COMMENT 'Locks pending orders with their coupons and points rows, waiting for nobody.
Amounts are computed only after this: a read that skips locked rows would take a locked coupon for a missing one.
Parameters: p_order_ids: in: orders.id to lock; out: those still pending, not held, of which every row is ours.
p_now: in the shop''s clock. p_coupons: how many coupons the orders have that exist.
p_has_findings: 1: a coupon does not exist, or stands twice in order_coupons.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_without_coupon JSON;
    DECLARE v_without_points JSON;

    SELECT /*+ JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(orders.id)
      INTO p_order_ids
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN orders FORCE INDEX (PRIMARY) ON orders.id = picked.order_id
     WHERE orders.status = 1 /* pending */
       FOR UPDATE OF orders SKIP LOCKED;

    -- Read twice: present says that the row exists, ours that it is now locked by us.
    SELECT /*+ JOIN_FIXED_ORDER() SET_VAR(group_concat_max_len = 16777216) */
           CONCAT('[', GROUP_CONCAT(IF(present.id IS NOT NULL AND ours.id IS NULL, target.order_id, NULL)), ']'),
           COUNT(present.id),
           COUNT(*) > COUNT(present.id) OR COALESCE(MAX(target.copies), 0) > 1
      INTO v_without_coupon, p_coupons, p_has_findings
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_coupon_target AS target ON target.order_id = picked.order_id
      LEFT JOIN user_coupons AS present FORCE INDEX (PRIMARY) ON present.id = target.coupon_id
      LEFT JOIN user_coupons AS ours FORCE INDEX (PRIMARY) ON ours.id = present.id
       FOR UPDATE OF ours SKIP LOCKED;

    SELECT /*+ JOIN_FIXED_ORDER() SET_VAR(group_concat_max_len = 16777216) */
           CONCAT('[', GROUP_CONCAT(IF(present.id IS NOT NULL AND ours.id IS NULL, orders.id, NULL)), ']')
      INTO v_without_points
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN orders FORCE INDEX (PRIMARY) ON orders.id = picked.order_id AND orders.points_amount > 0
      JOIN LATERAL (SELECT MIN(id) AS id FROM user_points WHERE user_points.user_id = orders.user_id) AS present
      LEFT JOIN user_points AS ours FORCE INDEX (PRIMARY) ON ours.id = present.id
       FOR UPDATE OF ours SKIP LOCKED;

    -- Holds are read after the lock: hold_order() takes the order's lock too.
    SELECT /*+ JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(picked.order_id)
      INTO p_order_ids
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
     WHERE NOT EXISTS (SELECT 1 FROM order_timeout_hold AS hold
                        WHERE hold.order_id = picked.order_id AND hold.held_until > p_now)
       AND NOT EXISTS (SELECT 1 FROM JSON_TABLE(COALESCE(v_without_coupon, '[]'), '$[*]'
                                                COLUMNS (order_id BIGINT PATH '$')) AS locked
                        WHERE locked.order_id = picked.order_id)
       AND NOT EXISTS (SELECT 1 FROM JSON_TABLE(COALESCE(v_without_points, '[]'), '$[*]'
                                                COLUMNS (order_id BIGINT PATH '$')) AS locked
                        WHERE locked.order_id = picked.order_id);
END$$
DELIMITER ;
