DROP PROCEDURE IF EXISTS cancel_expired_orders;
DELIMITER $$
CREATE PROCEDURE cancel_expired_orders ()
    COMMENT 'The sweep: cancels all unpaid orders that are past their time. The event order_timeout_tick calls it every minute.
Waits for nobody: what somebody holds locked is left to the next run. An order that fails is recorded in order_timeout_failure.
Result: 1 row: run_id (NULL: nothing to do), outcome, cancelled, coupon_refunded, points_refunded (minor units), failed, duration_ms.
Outcomes: completed, out_of_time (the rest in the next run), busy (another sweep runs), paused, read_only.
Errors: 50002 called inside a transaction or with autocommit off; 50003 order_timeout_setting has lost its row.
Example: CALL cancel_expired_orders()'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_started_at DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
    DECLARE v_in_transaction BOOLEAN;
    DECLARE v_outcome VARCHAR(16);
    DECLARE v_run_id BIGINT UNSIGNED;

    CALL order_timeout_detect_transaction(v_in_transaction);
    IF v_in_transaction THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50002,
            MESSAGE_TEXT = 'cancel_expired_orders() runs its own transactions: COMMIT first, and SET autocommit = 1';
    END IF;

    CALL order_timeout_find_obstacle(v_outcome);
    IF v_outcome IS NULL THEN
        CALL order_timeout_run_sweep(v_run_id, v_outcome);
    ELSEIF v_outcome = 'paused' THEN
        CALL order_timeout_close_run(NULL, v_outcome, NULL, NULL);
    END IF;

    SELECT v_run_id AS run_id,
           v_outcome AS outcome,
           COALESCE(MAX(cancelled), 0) AS cancelled,
           COALESCE(MAX(coupon_refunded), 0) AS coupon_refunded,
           COALESCE(MAX(points_refunded), 0) AS points_refunded,
           COALESCE(MAX(failed), 0) AS failed,
           GREATEST(TIMESTAMPDIFF(MICROSECOND, v_started_at, UTC_TIMESTAMP(3)), 0) DIV 1000 AS duration_ms
      FROM order_timeout_run
     WHERE id = v_run_id;
END$$
DELIMITER ;
