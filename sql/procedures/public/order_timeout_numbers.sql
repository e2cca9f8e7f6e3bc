DROP PROCEDURE IF EXISTS order_timeout_numbers;
DELIMITER $$
CREATE PROCEDURE order_timeout_numbers ()
    COMMENT 'Description: measures the order timeout, for monitoring: the command order-timeout metrics makes Prometheus'' text of it.
Locks nothing. Reads what order_timeout_health() reads.
Result: 1 row: paused, takes_writes, scheduler_on, event_enabled (1 or 0), last_sweep_at (seconds since 1970 in UTC; NULL: never),
due_orders (no further than 10000 of each source type), overdue_seconds (of the oldest), failed_orders (to be tried again),
quarantined_orders (set aside), held_orders, open_findings, owed (claimed and still to be given), late_payments (money to send back),
and of the runs begun in the last hour: runs_completed, runs_out_of_time, runs_failed, runs_interrupted, orders_cancelled,
coupon_refunded, points_refunded (minor units), returned (JSON: kind to amount, as texts).
Errors: 50003 order_timeout_setting has lost its row; 50006 the clock was changed.
Example: CALL order_timeout_numbers()'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_now DATETIME(3);

{{> distrust_session}}
    SET v_now = order_timeout_now();
    SELECT /*+ {{> callers_session}} */
           setting.paused,
           NOT COALESCE(order_timeout_obstacle(), '') = 'read_only' AS takes_writes,
           @@GLOBAL.event_scheduler = 'ON' AS scheduler_on,
           event.is_enabled AS event_enabled,
           TIMESTAMPDIFF(SECOND, '1970-01-01', CONVERT_TZ(heartbeat.beat_at, '{{clock}}', '+00:00')) AS last_sweep_at,
           backlog.due_orders,
           backlog.overdue_seconds,
           failure.failed_orders,
           failure.quarantined_orders,
           hold.held_orders,
           finding.open_findings,
           owed.owed,
           payment.late_payments,
           run.*
      FROM order_timeout_setting AS setting
      LEFT JOIN order_timeout_heartbeat AS heartbeat ON heartbeat.id = 1
      JOIN (SELECT COUNT(*) > 0 AS is_enabled
              FROM information_schema.events
             WHERE event_schema = DATABASE() AND event_name = 'order_timeout_tick' AND status = 'ENABLED') AS event
      JOIN (SELECT CAST(COALESCE(SUM(due_orders), 0) AS SIGNED) AS due_orders,
                   COALESCE(MAX(overdue_seconds), 0) AS overdue_seconds
              FROM order_timeout_backlog) AS backlog
      JOIN (SELECT COUNT(retry_at) AS failed_orders, COUNT(*) - COUNT(retry_at) AS quarantined_orders
              FROM order_timeout_failure) AS failure
      JOIN (SELECT COUNT(*) AS held_orders FROM order_timeout_hold WHERE held_until > v_now) AS hold
      JOIN (SELECT COUNT(*) AS open_findings FROM order_timeout_finding WHERE is_open = 1) AS finding
      JOIN (SELECT COUNT(*) AS owed FROM order_timeout_owed) AS owed
      JOIN (SELECT COUNT(*) AS late_payments FROM order_timeout_payment WHERE to_send_back = 1) AS payment
      JOIN (SELECT COUNT(IF(outcome = 'completed', 1, NULL)) AS runs_completed,
                   COUNT(IF(outcome = 'out_of_time', 1, NULL)) AS runs_out_of_time,
                   COUNT(IF(outcome = 'failed', 1, NULL)) AS runs_failed,
                   COUNT(IF(outcome = 'interrupted', 1, NULL)) AS runs_interrupted,
                   CAST(COALESCE(SUM(cancelled), 0) AS SIGNED) AS orders_cancelled,
                   CAST(COALESCE(SUM(coupon_refunded), 0) AS SIGNED) AS coupon_refunded,
                   CAST(COALESCE(SUM(points_refunded), 0) AS SIGNED) AS points_refunded,
                   JSON_OBJECT({{#rules}}'{{kind}}', CAST(COALESCE(SUM(JSON_VALUE(returned, '$.{{kind}}' RETURNING SIGNED)), 0) AS CHAR){{^last}}, {{/last}}{{/rules}}) AS returned
              FROM order_timeout_run
             WHERE started_at > v_now - INTERVAL 1 HOUR) AS run;
END$$
DELIMITER ;
