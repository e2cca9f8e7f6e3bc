DROP PROCEDURE IF EXISTS retry_failed_order;
DELIMITER $$
CREATE PROCEDURE retry_failed_order (
    IN p_order_id BIGINT
)
    COMMENT 'Description: has the next sweep try an order again that failed, also one that was set aside. Its attempts count from 0 again.
Parameters: p_order_id: the order''s id.
Result: 1 row: order_id, outcome. Outcomes: retrying, not_failed.
Errors: 50001 p_order_id is NULL or not positive; 50003 the setting is lost; 50006 the clock was changed.
Example: CALL retry_failed_order(28229)'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_has_failed BOOLEAN;

{{> distrust_session}}
    CALL order_timeout_require_id('p_order_id', p_order_id);
    -- A row that is there is always changed: nobody's counting of matched rows is relied on.
    UPDATE order_timeout_failure
       SET attempts = 0, retry_at = order_timeout_now()
     WHERE order_id = p_order_id;
    SELECT COUNT(*) > 0 INTO v_has_failed FROM order_timeout_failure WHERE order_id = p_order_id FOR SHARE;

    SELECT p_order_id AS order_id, IF(v_has_failed, 'retrying', 'not_failed') AS outcome;
END$$
DELIMITER ;
