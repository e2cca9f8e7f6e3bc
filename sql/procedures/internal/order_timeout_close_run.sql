DROP PROCEDURE IF EXISTS order_timeout_close_run;
DELIMITER $$
CREATE PROCEDURE order_timeout_close_run (
    IN p_run_id BIGINT UNSIGNED,
    IN p_outcome VARCHAR(16) CHARACTER SET ascii,
    IN p_error_number INT,
    IN p_error_message VARCHAR(512) CHARACTER SET utf8mb4
)
    COMMENT 'Description: ends the row of a run.
Parameters: p_run_id: order_timeout_run.id, NULL when there was nothing to do (a failure then gets a row of its own).
p_outcome: completed, out_of_time, paused or failed. p_error_number, p_error_message: of a failure.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_now DATETIME(3);

    IF p_outcome = 'failed' THEN
        CALL order_timeout_open_run(p_run_id);
    END IF;
    IF p_run_id IS NOT NULL THEN
        SET v_now = order_timeout_now();
        UPDATE order_timeout_run
           SET finished_at = v_now,
               outcome = p_outcome,
               -- The server's clock may have been set back.
               duration_ms = GREATEST(TIMESTAMPDIFF(MICROSECOND, started_at, v_now), 0) DIV 1000,
               error_number = p_error_number,
               error_message = p_error_message
         WHERE id = p_run_id;
        COMMIT AND NO CHAIN NO RELEASE;
    END IF;
END$$
DELIMITER ;
