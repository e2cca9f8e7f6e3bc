DROP PROCEDURE IF EXISTS release_order_hold;
DELIMITER $$
CREATE PROCEDURE release_order_hold (
    IN p_order_id BIGINT
)
    COMMENT 'Description: ends the hold of an order: it times out as usual again.
Parameters: p_order_id: the order''s id.
Result: 1 row: order_id, outcome. Outcomes: released, not_held.
Errors: 50001 p_order_id is NULL or not positive; 1205 lock conflict: call again.
Example: CALL release_order_hold(28229)'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_outcome VARCHAR(16) CHARACTER SET ascii;

{{> distrust_session}}
    CALL order_timeout_require_id('p_order_id', p_order_id);
    SELECT /*+ {{> callers_session}} */ order_timeout_set_hold(p_order_id, NULL, NULL) INTO v_outcome;

    SELECT p_order_id AS order_id, v_outcome AS outcome;
END$$
DELIMITER ;
