DROP PROCEDURE IF EXISTS order_timeout_sweep_type;
DELIMITER $$
CREATE PROCEDURE order_timeout_sweep_type (
    IN p_source_type BIGINT,
    IN p_cutoff DATETIME(3),
    IN p_stop_at DATETIME(3),
    INOUT p_run_id BIGINT UNSIGNED,
    INOUT p_error_number INT,
    INOUT p_error_message VARCHAR(512) CHARACTER SET utf8mb4
)
    COMMENT 'Description: cancels what is due of one source type, in batches. A batch that fails is done again order by order, so that
a bad order stops no other; what five orders in a row fail at is no single order''s, and the rest is put off to the next run.
Parameters: p_source_type: the type; NULL: orders without one. p_cutoff: due is what is older. p_stop_at: no further batch then,
by SYSDATE(). p_run_id: order_timeout_run.id; NULL: it begins with the first order. p_error_number, p_error_message: set to what five
orders in a row failed at, when it may be a fault of the server or of the deployment: it ends the run, once the others had their turn.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_batch_size INT UNSIGNED;
    DECLARE v_limit INT UNSIGNED;
    DECLARE v_one_by_one INT DEFAULT 0;
    DECLARE v_failed_in_a_row INT DEFAULT 0;
    DECLARE v_after_due_from DATETIME(6) DEFAULT {{orders.least}};
    DECLARE v_after_order_id BIGINT DEFAULT 0;
    DECLARE v_before_due_from DATETIME(6);
    DECLARE v_before_order_id BIGINT;
    DECLARE v_picked INT;
    DECLARE v_error_number INT;
    DECLARE v_error_state CHAR(5) CHARACTER SET ascii;
    DECLARE v_error_message VARCHAR(512) CHARACTER SET utf8mb4;

    SELECT batch_size INTO v_batch_size FROM order_timeout_setting;
    SET v_limit = v_batch_size, v_picked = v_limit;
    WHILE v_picked = v_limit AND v_failed_in_a_row < 5 AND SYSDATE(3) < p_stop_at DO
        SET v_limit = IF(v_one_by_one > 0, 1, v_batch_size),
            v_one_by_one = GREATEST(v_one_by_one - 1, 0),
            v_before_due_from = v_after_due_from,
            v_before_order_id = v_after_order_id;
        CALL order_timeout_sweep_batch(p_source_type, p_cutoff, v_limit, p_run_id, v_after_due_from, v_after_order_id,
                                       v_picked, v_error_number, v_error_state, v_error_message);
        IF v_error_number IS NULL THEN
            SET v_failed_in_a_row = 0;
        ELSEIF v_limit > 1 THEN
            -- The same again, order by order.
            SET v_one_by_one = v_picked,
                v_picked = v_limit,
                v_after_due_from = v_before_due_from,
                v_after_order_id = v_before_order_id;
        ELSE
            CALL order_timeout_note_failure(v_after_order_id, v_error_number, v_error_state, v_error_message, p_run_id);
            SET v_failed_in_a_row = v_failed_in_a_row + 1;
        END IF;
    END WHILE;

    IF v_failed_in_a_row >= 5 AND v_error_number IN ({{> servers_errors}}) THEN
        -- A longer text would be an error of its own.
        SET p_error_number = v_error_number, p_error_message = LEFT(v_error_message, 128);
    END IF;
END$$
DELIMITER ;
