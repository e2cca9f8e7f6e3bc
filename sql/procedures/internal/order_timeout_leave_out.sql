DROP PROCEDURE IF EXISTS order_timeout_leave_out;
DELIMITER $$
CREATE PROCEDURE order_timeout_leave_out (
    INOUT p_order_ids JSON,
    IN p_left_out JSON
)
    COMMENT 'Takes orders out of a list.
Parameters: p_order_ids: orders.id; NULL when none is left. p_left_out: those to take out; NULL: none.'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    IF p_left_out IS NOT NULL THEN
        SELECT JSON_ARRAYAGG(listed.order_id)
          INTO p_order_ids
          FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS listed
         WHERE NOT EXISTS (SELECT 1 FROM JSON_TABLE(p_left_out, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS left_out
                            WHERE left_out.order_id = listed.order_id);
    END IF;
END$$
DELIMITER ;
