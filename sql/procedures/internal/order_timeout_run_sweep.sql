DROP PROCEDURE IF EXISTS order_timeout_run_sweep;
DELIMITER $$
CREATE PROCEDURE order_timeout_run_sweep (
    OUT p_run_id BIGINT UNSIGNED,
    OUT p_outcome VARCHAR(16)
)
    COMMENT 'Runs a sweep if no other runs: takes the lock, sets the session up, and leaves both as they were.
p_run_id: order_timeout_run.id, NULL when there was nothing to do. p_outcome: completed, out_of_time or busy.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
run: BEGIN
    -- Named locks are the server''s, so the name holds the schema''s; 64 characters are the most.
    DECLARE v_lock VARCHAR(64) DEFAULT CONCAT('order_timeout:', LEFT(SHA2(DATABASE(), 256), 40));
    DECLARE v_clock CHAR(6);
    DECLARE v_now DATETIME(3);
    DECLARE v_earlier_run_id BIGINT UNSIGNED;
    DECLARE v_error_number INT;
    DECLARE v_error_message VARCHAR(512) CHARACTER SET utf8mb4;
    DECLARE v_caller_last_insert_id BIGINT UNSIGNED DEFAULT LAST_INSERT_ID();
    DECLARE v_caller_time_zone VARCHAR(64) DEFAULT @@SESSION.time_zone;
    DECLARE v_caller_safe_updates BOOLEAN DEFAULT @@SESSION.sql_safe_updates;
    DECLARE v_caller_row_wait INT UNSIGNED DEFAULT @@SESSION.innodb_lock_wait_timeout;
    DECLARE v_caller_table_wait INT UNSIGNED DEFAULT @@SESSION.lock_wait_timeout;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, NOT FOUND
    BEGIN
        GET STACKED DIAGNOSTICS CONDITION 1 v_error_number = MYSQL_ERRNO, v_error_message = MESSAGE_TEXT;
        ROLLBACK AND NO CHAIN NO RELEASE;
        BEGIN
            -- What stopped the run, such as a full disk, may well stop its report too.
            DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
            -- An error leaves an OUT parameter unset: the row that the run may have begun is looked up.
            SELECT MAX(id) INTO p_run_id FROM order_timeout_run WHERE id > v_earlier_run_id;
            CALL order_timeout_close_run(p_run_id, 'failed', v_error_number, v_error_message);
        END;
        SET SESSION time_zone = v_caller_time_zone,
            SESSION sql_safe_updates = v_caller_safe_updates,
            SESSION innodb_lock_wait_timeout = v_caller_row_wait,
            SESSION lock_wait_timeout = v_caller_table_wait,
            SESSION last_insert_id = v_caller_last_insert_id;
        CALL order_timeout_release_lock(v_lock);
        RESIGNAL;
    END;

    IF NOT GET_LOCK(v_lock, 0) THEN
        SET p_outcome = 'busy';
        LEAVE run;
    END IF;
    CALL order_timeout_read_clock(v_clock, v_now);
    SET SESSION time_zone = v_clock,
        SESSION sql_safe_updates = 0,
        SESSION innodb_lock_wait_timeout = 1,
        SESSION lock_wait_timeout = 1;

    SELECT COALESCE(MAX(id), 0) INTO v_earlier_run_id FROM order_timeout_run;
    CALL order_timeout_sweep(p_run_id, p_outcome);
    CALL order_timeout_close_run(p_run_id, p_outcome, NULL, NULL);
    BEGIN
        -- Rows that somebody holds are cleared away another time.
        DECLARE CONTINUE HANDLER FOR 1205 /* lock wait */, 1213 /* deadlock */ BEGIN END;
        CALL order_timeout_forget_failures();
        CALL order_timeout_purge();
    END;

    SET SESSION time_zone = v_caller_time_zone,
        SESSION sql_safe_updates = v_caller_safe_updates,
        SESSION innodb_lock_wait_timeout = v_caller_row_wait,
        SESSION lock_wait_timeout = v_caller_table_wait,
        SESSION last_insert_id = v_caller_last_insert_id;
    CALL order_timeout_release_lock(v_lock);
END$$
DELIMITER ;
