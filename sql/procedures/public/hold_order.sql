DROP PROCEDURE IF EXISTS hold_order;
DELIMITER $$
CREATE PROCEDURE hold_order (
    IN p_order_id BIGINT,
    IN p_minutes INT,
    IN p_reason VARCHAR(255) CHARACTER SET utf8mb4
)
    COMMENT 'Keeps a pending order from timing out for a while, as when its user is at the cashier. A later hold replaces an earlier one.
Waits for the order''s row lock: when it returns held, no sweep cancels the order until then.
Parameters: p_order_id: orders.id. p_minutes: from now, 1 to 1440. p_reason: for people; NULL: none.
Result: 1 row: order_id, outcome. Outcomes: held, not_found, not_pending.
Errors: 50001 p_order_id is NULL or not positive; 50004 p_minutes is NULL or out of range; 50003 order_timeout_setting has lost its row.
Example: CALL hold_order(28229, 10, ''at the cashier'')'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_clock CHAR(6);
    DECLARE v_now DATETIME(3);
    DECLARE v_held INT;

    CALL order_timeout_require_id('p_order_id', p_order_id);
    CALL order_timeout_require_number('p_minutes', p_minutes, 1, 1440);
    CALL order_timeout_read_clock(v_clock, v_now);

    -- One statement locks the order, sees that it is pending and writes the hold, in or out of a transaction.
    INSERT INTO order_timeout_hold (order_id, held_until, reason, held_by, held_at)
    SELECT orders.id, v_now + INTERVAL p_minutes MINUTE, COALESCE(p_reason, ''), USER(), v_now
      FROM orders
     WHERE orders.id = p_order_id AND orders.status = 1 /* pending */
       FOR UPDATE
        ON DUPLICATE KEY UPDATE
           held_until = v_now + INTERVAL p_minutes MINUTE, reason = COALESCE(p_reason, ''),
           held_by = USER(), held_at = v_now;
    SET v_held = ROW_COUNT();

    SELECT p_order_id AS order_id,
           CASE WHEN v_held > 0
                  OR EXISTS (SELECT 1 FROM order_timeout_hold
                              WHERE order_id = p_order_id AND held_at >= v_now FOR SHARE) THEN 'held'
                WHEN EXISTS (SELECT 1 FROM orders WHERE id = p_order_id FOR SHARE) THEN 'not_pending'
                ELSE 'not_found' END AS outcome;
END$$
DELIMITER ;
