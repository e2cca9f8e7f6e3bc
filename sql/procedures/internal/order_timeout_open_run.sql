DROP PROCEDURE IF EXISTS order_timeout_open_run;
DELIMITER $$
CREATE PROCEDURE order_timeout_open_run (
    INOUT p_run_id BIGINT UNSIGNED
)
    COMMENT 'Description: begins the row of a run when it first has something to do, and ends that of a run that was killed.
Parameters: p_run_id: NULL: begin; otherwise the run has begun, and nothing happens.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    IF p_run_id IS NULL THEN
        CALL order_timeout_end_killed_run();
        INSERT INTO order_timeout_run (started_at) VALUES (order_timeout_now());
        SET p_run_id = LAST_INSERT_ID();
    END IF;
END$$
DELIMITER ;
