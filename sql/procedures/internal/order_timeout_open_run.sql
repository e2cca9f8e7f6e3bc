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
    DECLARE v_now DATETIME(3);
    DECLARE v_latest_run_id BIGINT UNSIGNED;

    IF p_run_id IS NULL THEN
        SET v_now = order_timeout_now();
        SELECT MAX(id) INTO v_latest_run_id FROM order_timeout_run;
        UPDATE order_timeout_run
           SET outcome = 'interrupted', finished_at = v_now
         WHERE id = v_latest_run_id AND finished_at IS NULL;
        INSERT INTO order_timeout_run (started_at) VALUES (v_now);
        SET p_run_id = LAST_INSERT_ID();
    END IF;
END$$
DELIMITER ;
