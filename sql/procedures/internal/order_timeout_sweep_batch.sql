DROP PROCEDURE IF EXISTS order_timeout_sweep_batch;
DELIMITER $$
CREATE PROCEDURE order_timeout_sweep_batch (
    IN p_run_id BIGINT UNSIGNED,
    IN p_turn JSON,
    IN p_order_ids JSON,
    IN p_stop_at DATETIME(3)
)
    COMMENT 'Cancels a batch in one transaction; if that fails, order by order, so that a bad order stops no other.
What five orders in a row waited for in vain the rest would wait for too: it is put off to the next run.
Parameters: p_run_id: order_timeout_run.id. p_turn: of order_timeout_list_turns(). p_order_ids: of order_timeout_pick().
p_stop_at: in UTC: no further order then.
Errors: those that are the server''s and not an order''s, such as a missing privilege or a full disk.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_error_number INT;
    DECLARE v_error_state CHAR(5);
    DECLARE v_error_message VARCHAR(512) CHARACTER SET utf8mb4;
    DECLARE v_index INT DEFAULT 0;
    DECLARE v_order_id BIGINT;
    DECLARE v_waits_in_a_row INT DEFAULT 0;

    CALL order_timeout_sweep_orders(p_run_id, p_turn, p_order_ids, v_error_number, v_error_state, v_error_message);
    IF v_error_number IS NOT NULL THEN
        WHILE v_index < JSON_LENGTH(p_order_ids) AND v_waits_in_a_row < 5 AND UTC_TIMESTAMP(3) < p_stop_at DO
            SET v_order_id = JSON_EXTRACT(p_order_ids, CONCAT('$[', v_index, ']'));
            CALL order_timeout_sweep_orders(p_run_id, p_turn, JSON_ARRAY(v_order_id),
                                            v_error_number, v_error_state, v_error_message);
            IF v_error_number IS NOT NULL THEN
                CALL order_timeout_note_failure(p_run_id, v_order_id,
                                                v_error_number, v_error_state, v_error_message);
            END IF;
            SET v_waits_in_a_row = IF(v_error_number = 1205 /* lock wait */, v_waits_in_a_row + 1, 0);
            SET v_index = v_index + 1;
        END WHILE;
        UPDATE order_timeout_run SET put_off = put_off + JSON_LENGTH(p_order_ids) - v_index WHERE id = p_run_id;
    END IF;
END$$
DELIMITER ;
