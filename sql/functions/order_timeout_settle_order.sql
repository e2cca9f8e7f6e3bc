DROP FUNCTION IF EXISTS order_timeout_settle_order;
DELIMITER $$
CREATE FUNCTION order_timeout_settle_order (
    p_order_id BIGINT,
    p_user_id BIGINT,
    p_cause VARCHAR(16) CHARACTER SET ascii,
    p_remark VARCHAR(255) CHARACTER SET utf8mb4
)
    RETURNS JSON
    COMMENT 'Description: locks one order, decides, and cancels or repairs it: one statement, which MySQL undoes whole.
Parameters: p_order_id: the order. p_user_id: whose it must be; NULL: anybody''s. p_cause: timeout, user, admin, repair.
p_remark: for the journal and the ledgers.
Result: {"outcome", and when it was done "batch_id", "cancelled_at", "returned": {kind: amount}, "coupon_refunded", "points_refunded" and
"to_look_at" (1: order_timeout_note_findings() is to be called); "expires_at" of a pending order}.
Errors: 50003 the setting is lost, 50006 the clock was changed; 1205 and 1213 lock conflicts.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
    -- It is not; with the binary log on, MySQL asks for the word. Rows are logged, not the call.
    DETERMINISTIC
BEGIN
    DECLARE v_found, v_reached INT;
    DECLARE v_user_id BIGINT;
    DECLARE v_verdict VARCHAR(16) CHARACTER SET ascii;
    DECLARE v_expires_at, v_now DATETIME(3);
    DECLARE v_batch_id BIGINT UNSIGNED;
    DECLARE v_returned JSON;
    DECLARE v_is_pending, v_is_cancelled, v_was_paid, v_to_look_at BOOLEAN;

    -- First all locks: the first plain read makes the one view that all later reads have.
    SELECT COUNT(*), MAX(o.status <=> {{orders.pending}} /* pending */), MAX(o.status IN ({{orders.cancelled}})), MAX(o.user_id)
      INTO v_found, v_is_pending, v_is_cancelled, v_user_id
      FROM order_timeout_shop_order AS o
     WHERE o.order_id = p_order_id
       FOR UPDATE;
    IF v_found = 0 THEN
        RETURN JSON_OBJECT('outcome', 'not_found');
    ELSEIF p_user_id IS NOT NULL AND NOT v_user_id <=> p_user_id THEN
        RETURN JSON_OBJECT('outcome', 'not_owner');
    ELSEIF p_cause = 'repair' AND v_is_cancelled IS NOT TRUE THEN
        RETURN JSON_OBJECT('outcome', 'not_cancelled');
    ELSEIF p_cause <> 'repair' AND NOT v_is_pending THEN
        RETURN JSON_OBJECT('outcome', 'not_pending');
    END IF;
    SELECT /*+ {{> callers_session}} */ COUNT(*), COALESCE(SUM(0{{#reaches}}{{#is_counted}} + COALESCE({{> is_reached}}, 0){{/is_counted}}{{/reaches}}), 0)
      INTO v_found, v_reached
      FROM order_timeout_shop_order AS o
      LEFT JOIN order_timeout_hold AS hold ON hold.order_id = o.order_id
{{#reaches}}
{{#is_counted}}
{{> reached_row}}
{{/is_counted}}
{{/reaches}}
     WHERE o.order_id = p_order_id
       FOR UPDATE;
{{#reaches}}
{{^is_counted}}
    SELECT /*+ {{> callers_session}} */ COUNT(*)
      INTO v_found
      FROM order_timeout_shop_order AS o
{{> reached_row}}
     WHERE o.order_id = p_order_id
       FOR UPDATE;
{{/is_counted}}
{{/reaches}}

    -- Then all reads, by the same clock as the locks: what is valid now is what is locked.
    SELECT /*+ {{> callers_session}} */
           MAX({{> order_verdict}}),
           MAX({{> expires_at}}), MAX(IF(setting.clock = '{{clock}}', SYSDATE(3), NULL)), MAX({{> was_paid}})
      INTO v_verdict, v_expires_at, v_now, v_was_paid
      FROM order_timeout_shop_order AS o
      JOIN order_timeout_setting AS setting
      LEFT JOIN order_timeout_policy AS policy ON policy.source_type = o.source_type
      LEFT JOIN order_timeout_hold AS hold ON hold.order_id = o.order_id
     WHERE o.order_id = p_order_id
       FOR UPDATE OF o
       FOR SHARE OF hold;
    SET v_now = COALESCE(v_now, order_timeout_now() /* says what is wrong */);
    IF p_cause <> 'repair' AND v_verdict <> 'due' THEN
        RETURN JSON_OBJECT('outcome', v_verdict, 'expires_at', IF(v_verdict IN ('not_expired', 'on_hold'), v_expires_at, NULL));
    END IF;

    -- Then all writes.
    CALL order_timeout_settle(JSON_ARRAY(p_order_id), v_reached, p_cause, p_remark, NULL, v_now, v_batch_id, v_returned,
                              v_to_look_at);
    RETURN JSON_OBJECT('outcome', 'cancelled', 'batch_id', v_batch_id, 'cancelled_at', v_now, 'to_look_at', v_to_look_at OR v_was_paid,
                       'returned', v_returned{{#coupon_kind}}, 'coupon_refunded', v_returned -> '$.coupon'{{/coupon_kind}}{{#points_kind}},
                       'points_refunded', v_returned -> '$.points'{{/points_kind}});
END$$
DELIMITER ;
