DROP FUNCTION IF EXISTS order_timeout_set_hold;
DELIMITER $$
CREATE FUNCTION order_timeout_set_hold (
    p_order_id BIGINT,
    p_minutes INT,
    p_reason VARCHAR(255) CHARACTER SET utf8mb4
)
    RETURNS VARCHAR(16) CHARACTER SET ascii
    COMMENT 'Description: sets or ends the hold of an order under the order''s row lock: one statement. The sweep reads holds after it has
that lock.
Parameters: p_order_id: the order. p_minutes: from now; NULL: the hold ends. p_reason: for people.
Result: held, released, not_held, not_found, not_pending.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
    -- It is not; with the binary log on, MySQL asks for the word. Rows are logged, not the call.
    DETERMINISTIC
BEGIN
    DECLARE v_found INT;
    DECLARE v_is_over BOOLEAN;
    DECLARE v_is_held INT;
    DECLARE v_now DATETIME(3);

    SELECT COUNT(*), MAX(o.status IN ({{orders.cancelled}}, {{orders.paid}}))
      INTO v_found, v_is_over
      FROM order_timeout_shop_order AS o
     WHERE o.order_id = p_order_id
       FOR UPDATE;
    SELECT COUNT(*)
      INTO v_is_held
      FROM order_timeout_hold AS hold
     WHERE hold.order_id = p_order_id
       FOR UPDATE;
    IF p_minutes IS NULL THEN
        DELETE FROM order_timeout_hold WHERE order_id = p_order_id;
        RETURN IF(v_is_held > 0, 'released', 'not_held');
    ELSEIF v_found = 0 THEN
        RETURN 'not_found';
    ELSEIF v_is_over THEN
        RETURN 'not_pending';
    END IF;

    SET v_now = order_timeout_now();
    INSERT INTO order_timeout_hold (order_id, held_until, reason, held_by, held_at)
    VALUES (p_order_id, v_now + INTERVAL p_minutes MINUTE, p_reason, USER(), v_now)
        ON DUPLICATE KEY UPDATE
           held_until = v_now + INTERVAL p_minutes MINUTE, reason = p_reason, held_by = USER(), held_at = v_now;
    RETURN 'held';
END$$
DELIMITER ;
