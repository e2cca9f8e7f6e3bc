DROP PROCEDURE IF EXISTS release_order_hold;
DELIMITER $$
CREATE PROCEDURE release_order_hold (
    IN p_order_id BIGINT
)
    COMMENT 'Ends the hold of an order: it times out as usual again.
Parameters: p_order_id: orders.id.
Result: 1 row: order_id, outcome. Outcomes: released, not_held.
Errors: 50001 p_order_id is NULL or not positive.
Example: CALL release_order_hold(28229)'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_released INT;

    CALL order_timeout_require_id('p_order_id', p_order_id);
    DELETE FROM order_timeout_hold WHERE order_id = p_order_id;
    SET v_released = ROW_COUNT();

    SELECT p_order_id AS order_id, IF(v_released > 0, 'released', 'not_held') AS outcome;
END$$
DELIMITER ;
