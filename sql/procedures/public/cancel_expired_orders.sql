DROP PROCEDURE IF EXISTS cancel_expired_orders;
DELIMITER $$
CREATE PROCEDURE cancel_expired_orders ()
    COMMENT 'Description: the sweep: cancels all unpaid orders that are past their time. The event order_timeout_tick calls it every
minute. Waits for nobody: what somebody holds locked is left to the next run. An order that fails is recorded in
order_timeout_failure, tried again, and stops no other.
Result: 1 row: run_id (NULL: nothing to do), outcome, cancelled, coupon_refunded, points_refunded (minor units), failed, duration_ms,
returned (JSON: kind to amount, as texts).
Outcomes: completed, out_of_time (the rest in the next run), busy (another sweep runs), paused, read_only.
Errors: 50002 called inside a transaction; 50003 order_timeout_setting has lost its row; 50006 the clock was changed.
Example: CALL cancel_expired_orders()'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_started_at DATETIME(3) DEFAULT SYSDATE(3);
    DECLARE v_outcome VARCHAR(16) CHARACTER SET ascii;
    DECLARE v_run_id BIGINT UNSIGNED;
    DECLARE v_cancelled BIGINT DEFAULT 0;
    DECLARE v_coupon_refunded BIGINT DEFAULT 0;
    DECLARE v_points_refunded BIGINT DEFAULT 0;
    DECLARE v_failed BIGINT DEFAULT 0;
    DECLARE v_returned JSON;

    CALL order_timeout_require_none_open('cancel_expired_orders');
{{> distrust_session}}
    COMMIT AND NO CHAIN NO RELEASE;
    SET v_outcome = order_timeout_obstacle();
    IF NOT v_outcome <=> 'read_only' THEN
        CALL order_timeout_run_sweep(v_outcome <=> 'paused', v_run_id, v_outcome);
    END IF;

    IF v_run_id IS NOT NULL THEN
        SELECT cancelled, coupon_refunded, points_refunded, failed, returned
          INTO v_cancelled, v_coupon_refunded, v_points_refunded, v_failed, v_returned
          FROM order_timeout_run
         WHERE id = v_run_id;
    END IF;
    -- With autocommit off a look has begun a transaction.
    COMMIT AND NO CHAIN NO RELEASE;

    SELECT v_run_id AS run_id,
           v_outcome AS outcome,
           v_cancelled AS cancelled,
           v_coupon_refunded AS coupon_refunded,
           v_points_refunded AS points_refunded,
           v_failed AS failed,
           GREATEST(TIMESTAMPDIFF(MICROSECOND, v_started_at, SYSDATE(3)), 0) DIV 1000 AS duration_ms,
           JSON_OBJECT({{#rules}}'{{kind}}', COALESCE(JSON_VALUE(v_returned, '$.{{kind}}'), '0'){{^last}}, {{/last}}{{/rules}}) AS returned;
END$$
DELIMITER ;
