DROP FUNCTION IF EXISTS order_timeout_settle_orders;
DELIMITER $$
CREATE FUNCTION order_timeout_settle_orders (
    p_order_ids JSON,
    p_reached INT,
    p_run_id BIGINT UNSIGNED
)
    RETURNS BOOLEAN
    COMMENT 'Description: cancels a batch of the sweep: one statement, which MySQL undoes whole.
Parameters: p_order_ids: the orders, due and locked with all rows that they lead to by order_timeout_lock_orders().
p_reached: of order_timeout_lock_orders(). p_run_id: order_timeout_run.id. The session''s time zone is the shop''s clock, set by a hint.
Result: 1: order_timeout_note_findings() is to be called.
Errors: 50003 the setting is lost, 50006 the clock was changed; whatever a trigger or constraint of the shop raises.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
    -- It is not; with the binary log on, MySQL asks for the word. Rows are logged, not the call.
    DETERMINISTIC
BEGIN
    DECLARE v_batch_id BIGINT UNSIGNED;
    DECLARE v_returned JSON;
    DECLARE v_to_look_at BOOLEAN;

    CALL order_timeout_settle(p_order_ids, p_reached, 'timeout', 'order_timeout', p_run_id, order_timeout_now(), v_batch_id, v_returned,
                              v_to_look_at);
    UPDATE order_timeout_run
       SET cancelled = cancelled + JSON_LENGTH(p_order_ids),{{#coupon_kind}}
           coupon_refunded = coupon_refunded + JSON_VALUE(v_returned, '$.coupon' RETURNING SIGNED),{{/coupon_kind}}{{#points_kind}}
           points_refunded = points_refunded + JSON_VALUE(v_returned, '$.points' RETURNING SIGNED),{{/points_kind}}
           returned = JSON_OBJECT({{#rules}}'{{kind}}', COALESCE(JSON_VALUE(returned, '$.{{kind}}' RETURNING SIGNED), 0)
                                         + JSON_VALUE(v_returned, '$.{{kind}}' RETURNING SIGNED){{^last}},
                                  {{/last}}{{/rules}})
     WHERE id = p_run_id;
    RETURN v_to_look_at;
END$$
DELIMITER ;
