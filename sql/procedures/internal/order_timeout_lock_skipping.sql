DROP PROCEDURE IF EXISTS order_timeout_lock_skipping;
DELIMITER $$
CREATE PROCEDURE order_timeout_lock_skipping (
    INOUT p_order_ids JSON,
    IN p_turn JSON,
    IN p_now DATETIME(3),
    OUT p_found JSON
)
    COMMENT 'Locks pending orders with their coupons and points rows, waiting for nobody.
Amounts are computed only after this: a read that skips locked rows would take a locked coupon for a missing one.
Parameters: p_order_ids: in: orders.id to lock; out: those still due, not held, of which every row is ours.
p_turn: of order_timeout_list_turns(): their source type and cut-off. p_now: in the shop''s clock. p_found: what they took, see order_timeout_settle().'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_source_type BIGINT DEFAULT JSON_VALUE(p_turn, '$.source_type' RETURNING SIGNED);
    DECLARE v_cutoff DATETIME(3) DEFAULT p_turn ->> '$.cutoff';
    DECLARE v_put_off JSON;
    DECLARE v_not_ours JSON;
    DECLARE v_coupons INT;
    DECLARE v_has_findings BOOLEAN;
    DECLARE v_with_points JSON;
    DECLARE v_without_account JSON;

    SELECT /*+ JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(orders.id)
      INTO p_order_ids
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN orders FORCE INDEX (PRIMARY) ON orders.id = picked.order_id
     WHERE orders.status = 1 /* pending */
       AND orders.source_type <=> v_source_type
       AND orders.created_at < v_cutoff
       FOR UPDATE OF orders SKIP LOCKED;

    -- Holds are read after the lock: hold_order() takes the order's lock too.
    SELECT /*+ JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(hold.order_id)
      INTO v_put_off
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_hold AS hold FORCE INDEX (PRIMARY)
        ON hold.order_id = picked.order_id AND hold.held_until > p_now;
    CALL order_timeout_leave_out(p_order_ids, v_put_off);

    -- A coupon that is not ours now is locked by somebody, or does not exist.
    SELECT /*+ JOIN_FIXED_ORDER() SET_VAR(group_concat_max_len = 16777216) */
           COUNT(ours.id),
           COUNT(*) > COUNT(ours.id) OR COALESCE(MAX(target.copies), 0) > 1,
           CONCAT('[', GROUP_CONCAT(IF(ours.id IS NULL, JSON_ARRAY(target.order_id, target.coupon_id), NULL)), ']')
      INTO v_coupons, v_has_findings, v_not_ours
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_coupon_target AS target ON target.order_id = picked.order_id
      LEFT JOIN user_coupons AS ours FORCE INDEX (PRIMARY) ON ours.id = target.coupon_id
       FOR UPDATE OF ours SKIP LOCKED;
    SELECT /*+ JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(not_ours.order_id)
      INTO v_put_off
      FROM JSON_TABLE(v_not_ours, '$[*]' COLUMNS (order_id BIGINT PATH '$[0]', coupon_id BIGINT PATH '$[1]')) AS not_ours
      JOIN user_coupons AS locked FORCE INDEX (PRIMARY) ON locked.id = not_ours.coupon_id;
    CALL order_timeout_leave_out(p_order_ids, v_put_off);

    SELECT /*+ JOIN_FIXED_ORDER() SET_VAR(group_concat_max_len = 16777216) */
           JSON_ARRAYAGG(orders.id),
           CONCAT('[', GROUP_CONCAT(IF(present.id IS NULL, orders.id, NULL)), ']'),
           CONCAT('[', GROUP_CONCAT(IF(present.id IS NOT NULL AND ours.id IS NULL, orders.id, NULL)), ']')
      INTO v_with_points, v_without_account, v_put_off
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN orders FORCE INDEX (PRIMARY) ON orders.id = picked.order_id AND orders.points_amount > 0
      JOIN LATERAL (SELECT MIN(id) AS id FROM user_points WHERE user_points.user_id = orders.user_id) AS present
      LEFT JOIN user_points AS ours FORCE INDEX (PRIMARY) ON ours.id = present.id
       FOR UPDATE OF ours SKIP LOCKED;
    CALL order_timeout_leave_out(p_order_ids, v_put_off);
    CALL order_timeout_leave_out(v_with_points, v_put_off);
    IF v_without_account IS NOT NULL THEN
        CALL order_timeout_open_points_accounts(v_without_account);
    END IF;

    SET p_found = JSON_OBJECT('coupons', v_coupons, 'has_findings', v_has_findings,
                              'with_points', COALESCE(v_with_points, JSON_ARRAY()));
END$$
DELIMITER ;
