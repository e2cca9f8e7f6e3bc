DROP PROCEDURE IF EXISTS order_timeout_run_sweep;
DELIMITER $$
CREATE PROCEDURE order_timeout_run_sweep (
    IN p_is_paused BOOLEAN,
    OUT p_run_id BIGINT UNSIGNED,
    OUT p_outcome VARCHAR(16) CHARACTER SET ascii
)
    COMMENT 'Description: runs a sweep if no other runs: takes the lock, cancels what is due, gives what is owed, clears away, looks for
findings, and leaves lock and session as they were.
Parameters: p_is_paused: 1: nothing is cancelled, all else is done. p_run_id: order_timeout_run.id, NULL when there was nothing to
do. p_outcome: completed, out_of_time, paused or busy. Errors: those of order_timeout_sweep(), and what that tells, when all else is done.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
run: BEGIN
    -- Named locks are the server''s, so the name holds the schema''s; 64 characters are the most.
    DECLARE v_lock VARCHAR(64) CHARACTER SET ascii DEFAULT {{> sweep_lock}};
    DECLARE v_now DATETIME(3) DEFAULT order_timeout_now();
    DECLARE v_stop_at, v_purged_at DATETIME(3);
    DECLARE v_default_minutes, v_shortest_minutes, v_longest_minutes, v_reconcile_days, v_error_number INT;
    DECLARE v_has_findings, v_has_failures, v_was_killed BOOLEAN;
    DECLARE v_reconciled, v_reconciled_again BIGINT;
    DECLARE v_error_message VARCHAR(512) CHARACTER SET utf8mb4;
    DECLARE v_callers_row_wait INT UNSIGNED DEFAULT @@SESSION.innodb_lock_wait_timeout;
    DECLARE v_callers_big_selects INT DEFAULT @@SESSION.sql_big_selects;
    DECLARE v_callers_insert_id BIGINT UNSIGNED DEFAULT LAST_INSERT_ID();
    DECLARE EXIT HANDLER FOR {{> any_error}}
    BEGIN
        GET STACKED DIAGNOSTICS CONDITION 1 v_error_number = MYSQL_ERRNO, v_error_message = MESSAGE_TEXT;
        ROLLBACK AND NO CHAIN NO RELEASE;
        BEGIN
            -- What stopped the run, such as a full disk, may well stop its report too.
            DECLARE CONTINUE HANDLER FOR {{> any_error}} BEGIN END;
            -- An error gives no OUT parameters back: this run's row is the latest, begun since v_now.
            SELECT (SELECT IF(finished_at IS NULL AND started_at >= v_now, id, NULL) FROM order_timeout_run ORDER BY id DESC LIMIT 1) INTO p_run_id;
            CALL order_timeout_close_run(p_run_id, 'failed', v_error_number, v_error_message);
        END;
        SET SESSION innodb_lock_wait_timeout = v_callers_row_wait, SESSION sql_big_selects = v_callers_big_selects;
        DO LAST_INSERT_ID(v_callers_insert_id);
        CALL order_timeout_release_lock(v_lock);
        RESIGNAL;
    END;

    IF NOT GET_LOCK(v_lock, 0) THEN
        SET p_outcome = 'busy';
        LEAVE run;
    END IF;
    -- No hint can set the first one; a batch reads more rows than a server may allow its users.
    SET SESSION innodb_lock_wait_timeout = 1, SESSION sql_big_selects = 1, p_outcome = 'paused';
    SELECT SYSDATE(3) + INTERVAL setting.time_budget_seconds SECOND, setting.default_timeout_minutes, setting.reconcile_days,
           LEAST(COALESCE(policy.shortest, 525600), setting.default_timeout_minutes),
           GREATEST(COALESCE(policy.longest, 1), setting.default_timeout_minutes),
           heartbeat.purged_at, heartbeat.reconciled_order_id, heartbeat.reconciled_again_order_id,
           EXISTS (SELECT 1 FROM order_timeout_finding WHERE is_open = 1), EXISTS (SELECT 1 FROM order_timeout_failure),
           (SELECT finished_at IS NULL FROM order_timeout_run ORDER BY id DESC LIMIT 1)
      INTO v_stop_at, v_default_minutes, v_reconcile_days, v_shortest_minutes, v_longest_minutes, v_purged_at, v_reconciled,
           v_reconciled_again, v_has_findings, v_has_failures, v_was_killed
      FROM order_timeout_setting AS setting
      JOIN (SELECT MIN(timeout_minutes) AS shortest, MAX(timeout_minutes) AS longest FROM order_timeout_policy) AS policy
      LEFT JOIN order_timeout_heartbeat AS heartbeat ON heartbeat.id = 1
     WHERE setting.id = 1;
    IF v_was_killed THEN
        CALL order_timeout_end_killed_run();
    END IF;
    IF NOT p_is_paused THEN
        CALL order_timeout_sweep(v_now, v_default_minutes, v_shortest_minutes, v_stop_at, p_run_id, p_outcome, v_error_number, v_error_message);
    END IF;
    CALL order_timeout_pay_owed(SYSDATE(3) + INTERVAL 10 SECOND);
    CALL order_timeout_reconcile(v_now, v_default_minutes, v_longest_minutes, v_reconcile_days, v_has_findings, v_reconciled, v_reconciled_again);
    IF v_has_failures THEN
        CALL order_timeout_forget_failures();
    END IF;
    IF v_purged_at IS NULL OR v_purged_at NOT BETWEEN v_now - INTERVAL 1 HOUR AND v_now THEN
        CALL order_timeout_purge(v_now, v_purged_at);
    END IF;
    IF v_error_number IS NOT NULL THEN
        UPDATE order_timeout_heartbeat SET purged_at = v_purged_at, reconciled_order_id = v_reconciled, reconciled_again_order_id = v_reconciled_again WHERE id = 1;
        COMMIT AND NO CHAIN NO RELEASE;
        SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = v_error_number, MESSAGE_TEXT = v_error_message;
    END IF;
    CALL order_timeout_close_run(p_run_id, p_outcome, NULL, NULL);
    INSERT INTO order_timeout_heartbeat (id, beat_at, outcome, run_id, purged_at, reconciled_order_id, reconciled_again_order_id)
    VALUES (1, IF(p_run_id IS NULL, v_now, order_timeout_now()), p_outcome, p_run_id, v_purged_at, v_reconciled, v_reconciled_again) AS fresh
        ON DUPLICATE KEY UPDATE beat_at = fresh.beat_at, outcome = fresh.outcome, run_id = fresh.run_id, purged_at = fresh.purged_at,
           reconciled_order_id = fresh.reconciled_order_id, reconciled_again_order_id = fresh.reconciled_again_order_id;
    COMMIT AND NO CHAIN NO RELEASE;
    SET SESSION innodb_lock_wait_timeout = v_callers_row_wait, SESSION sql_big_selects = v_callers_big_selects;
    DO LAST_INSERT_ID(v_callers_insert_id);
    CALL order_timeout_release_lock(v_lock);
END$$
DELIMITER ;
