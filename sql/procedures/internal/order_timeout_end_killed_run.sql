DROP PROCEDURE IF EXISTS order_timeout_end_killed_run;
DELIMITER $$
CREATE PROCEDURE order_timeout_end_killed_run ()
    COMMENT 'Description: ends the row of a run that was killed. To be called by who has the sweep''s lock, before it begins a row of its own:
then what has no end is nobody''s.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_killed_run_id BIGINT UNSIGNED;

    -- A SET would read with a lock, and wait for who writes the row.
    SELECT (SELECT IF(finished_at IS NULL, id, NULL) FROM order_timeout_run ORDER BY id DESC LIMIT 1) INTO v_killed_run_id;
    IF v_killed_run_id IS NOT NULL THEN
        UPDATE order_timeout_run SET outcome = 'interrupted', finished_at = order_timeout_now() WHERE id = v_killed_run_id;
    END IF;
END$$
DELIMITER ;
