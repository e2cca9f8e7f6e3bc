DROP PROCEDURE IF EXISTS hold_order;
DELIMITER $$
CREATE PROCEDURE hold_order (
    IN p_order_id BIGINT,
    IN p_minutes INT,
    IN p_reason VARCHAR(255) CHARACTER SET utf8mb4
)
    COMMENT 'Description: keeps an order from timing out for a while, as when its user is at the cashier; also before it is pending.
A later hold replaces an earlier one. Waits for the order''s row lock: when it returns held, no sweep cancels the order until then.
Parameters: p_order_id: the order''s id. p_minutes: from now, 1 to 10080. p_reason: for people; NULL: none.
Result: 1 row: order_id, outcome. Outcomes: held, not_found, not_pending (it is cancelled or paid).
Errors: 50001 p_order_id is NULL or not positive; 50004 p_minutes is NULL or out of range; 1205 lock conflict: call again; 50003 the setting is lost; 50006 the clock was changed.
Example: CALL hold_order(28229, 10, ''at the cashier'')'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_joined BOOLEAN DEFAULT NOT @@SESSION.autocommit;
    DECLARE v_outcome VARCHAR(16) CHARACTER SET ascii;

{{> distrust_session}}
    CALL order_timeout_require_id('p_order_id', p_order_id);
    CALL order_timeout_require_number('p_minutes', p_minutes, 1, 10080);
    IF NOT v_joined THEN
        CALL order_timeout_read_committed(v_joined);
    END IF;
    SELECT /*+ {{> callers_session}} */ order_timeout_set_hold(p_order_id, p_minutes, COALESCE(p_reason, '')) INTO v_outcome;

    SELECT p_order_id AS order_id, v_outcome AS outcome;
END$$
DELIMITER ;
