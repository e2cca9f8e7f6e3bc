DROP PROCEDURE IF EXISTS order_timeout_numbers;
DELIMITER $$
CREATE PROCEDURE order_timeout_numbers ()
    COMMENT 'Measures the order timeout, for monitoring: the command order-timeout metrics makes Prometheus'' text of it. Locks nothing.
Result: 1 row: paused, takes_writes, scheduler_on, event_enabled (1 or 0), last_sweep_at (seconds since 1970 in UTC; NULL: never),
due_orders (no further than 10000 of each source type), overdue_seconds (of the oldest), failed_orders (to be tried again),
quarantined_orders (set aside), held_orders, cut_short_calls, and of the runs begun in the last hour: runs_completed,
runs_out_of_time, runs_failed, runs_interrupted, orders_cancelled, coupon_refunded, points_refunded (minor units).
Errors: 50003 order_timeout_setting has lost its row.
Example: CALL order_timeout_numbers()'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_caller_time_zone VARCHAR(64) DEFAULT @@SESSION.time_zone;
    DECLARE v_clock CHAR(6);
    DECLARE v_now DATETIME(3);
    DECLARE v_obstacle VARCHAR(16);
    DECLARE v_due INT;
    DECLARE v_overdue_seconds BIGINT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        SET SESSION time_zone = v_caller_time_zone;
        RESIGNAL;
    END;

    CALL order_timeout_find_obstacle(v_obstacle);
    CALL order_timeout_read_clock(v_clock, v_now);
    SET SESSION time_zone = v_clock;
    CALL order_timeout_measure_backlog(v_now, v_due, v_overdue_seconds);

    SELECT setting.paused,
           COALESCE(v_obstacle, '') <> 'read_only' AS takes_writes,
           @@GLOBAL.event_scheduler = 'ON' AS scheduler_on,
           EXISTS (SELECT 1 FROM information_schema.events
                    WHERE event_schema = DATABASE() AND event_name = 'order_timeout_tick' AND status = 'ENABLED'
                  ) AS event_enabled,
           TIMESTAMPDIFF(SECOND, '1970-01-01', CONVERT_TZ(heartbeat.beat_at, v_clock, '+00:00')) AS last_sweep_at,
           v_due AS due_orders,
           v_overdue_seconds AS overdue_seconds,
           failure.failed_orders,
           failure.quarantined_orders,
           (SELECT COUNT(*) FROM order_timeout_hold WHERE held_until > v_now) AS held_orders,
           (SELECT COUNT(DISTINCT batch_id) FROM order_timeout_half_done) AS cut_short_calls,
           run.*
      FROM order_timeout_setting AS setting
      JOIN order_timeout_heartbeat AS heartbeat
      JOIN (SELECT COUNT(retry_at) AS failed_orders,
                   COUNT(*) - COUNT(retry_at) AS quarantined_orders
              FROM order_timeout_failure) AS failure
      JOIN (SELECT COUNT(IF(outcome = 'completed', 1, NULL)) AS runs_completed,
                   COUNT(IF(outcome = 'out_of_time', 1, NULL)) AS runs_out_of_time,
                   COUNT(IF(outcome = 'failed', 1, NULL)) AS runs_failed,
                   COUNT(IF(outcome = 'interrupted', 1, NULL)) AS runs_interrupted,
                   CAST(COALESCE(SUM(cancelled), 0) AS SIGNED) AS orders_cancelled,
                   CAST(COALESCE(SUM(coupon_refunded), 0) AS SIGNED) AS coupon_refunded,
                   CAST(COALESCE(SUM(points_refunded), 0) AS SIGNED) AS points_refunded
              FROM order_timeout_run
             WHERE started_at > v_now - INTERVAL 1 HOUR) AS run;
    SET SESSION time_zone = v_caller_time_zone;
END$$
DELIMITER ;
