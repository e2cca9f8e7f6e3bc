-- Whether the work gets done: one row for each question of order_timeout_health(). The session's time zone is the shop's clock.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_work_check AS
SELECT 5 AS place, 'heartbeat' AS check_name,
       CASE WHEN order_timeout_obstacle() <=> 'read_only' THEN 'ok'
            WHEN beat_at IS NULL THEN 'warn'
            WHEN ABS(TIMESTAMPDIFF(SECOND, beat_at, SYSDATE(3))) > 300 THEN 'fail'
            ELSE 'ok' END AS status,
       CASE WHEN beat_at IS NULL THEN 'No sweep has come to its end yet: wait two minutes after the deployment.'
            WHEN beat_at > SYSDATE(3) + INTERVAL 5 MINUTE THEN
                CONCAT('The last sweep ended at ', beat_at, ', which is yet to come: the server''s clock was set back, and its event ',
                       'scheduler waits until then. SET GLOBAL event_scheduler = OFF, then ON.')
            ELSE CONCAT('The last sweep ended ', TIMESTAMPDIFF(SECOND, beat_at, SYSDATE(3)), ' seconds ago',
                        IF(beat_at < SYSDATE(3) - INTERVAL 5 MINUTE AND order_timeout_obstacle() IS NULL,
                           CONCAT(': it should be every minute. ',
                                  COALESCE(CONCAT('Connection ', IS_USED_LOCK({{> sweep_lock}}), ' holds the sweep''s lock: see what it does, and KILL it.'),
                                           'See scheduler, event and the server''s error log.')), '.')) END AS detail
  FROM (SELECT MAX(beat_at) AS beat_at FROM order_timeout_heartbeat) AS heartbeat
 UNION ALL
SELECT 6, 'backlog',
       CASE WHEN order_timeout_obstacle() IS NOT NULL OR COALESCE(MAX(overdue_seconds), 0) < 180 THEN 'ok'
            WHEN MAX(overdue_seconds) < 900 THEN 'warn' ELSE 'fail' END,
       CONCAT(COALESCE(SUM(due_orders), 0), IF(MAX(due_orders) >= 10000, ' or more', ''), ' orders are due; the oldest is ',
              COALESCE(MAX(overdue_seconds), 0), ' seconds over its time.')
  FROM order_timeout_backlog
 UNION ALL
SELECT 7, 'failures', CASE WHEN SUM(retry_at IS NULL) > 0 THEN 'fail' WHEN COUNT(*) > 0 THEN 'warn' ELSE 'ok' END,
       CONCAT(COUNT(*), ' orders failed, ', COALESCE(SUM(retry_at IS NULL), 0), ' of them are set aside',
              IF(COUNT(*) > 0, ': see order_timeout_failure, mend the cause, then retry_failed_order().', '.'))
  FROM order_timeout_failure
 UNION ALL
SELECT 8, 'runs', IF(COUNT(*) > 0, 'warn', 'ok'),
       CONCAT(COUNT(*), ' runs failed or were interrupted in the last 24 hours',
              COALESCE(CONCAT(', last with: ', SUBSTRING_INDEX(GROUP_CONCAT(error_message ORDER BY id DESC SEPARATOR '\n'), '\n', 1)), ''), '.')
  -- A constant for the index, as SYSDATE() in the condition is none: all runs would be read.
  FROM (SELECT SYSDATE(3) - INTERVAL 1 DAY AS since) AS yesterday
  JOIN order_timeout_run FORCE INDEX (order_timeout_run_started_at) ON started_at > yesterday.since
 WHERE outcome IN ('failed', 'interrupted')
 UNION ALL
SELECT 9, 'findings', IF(COUNT(*) > 0, 'fail', 'ok'),
       CONCAT(COUNT(*), ' findings are open', IF(COUNT(*) > 0, ': CALL list_findings(100), then settle_finding().', '.'))
  FROM order_timeout_finding
 WHERE is_open = 1
 UNION ALL
SELECT 9, 'owed', IF(MIN(owed_at) < SYSDATE(3) - INTERVAL 10 MINUTE, 'warn', 'ok'),
       CONCAT(COUNT(*), ' refunds are owed', COALESCE(CONCAT(', since ', MIN(owed_at)), ''), ': the sweep gives them.')
  FROM order_timeout_owed
 UNION ALL
SELECT 9, 'late_payments', IF(COUNT(*) > 0, 'fail', 'ok'),
       CONCAT(COUNT(*), ' payments have money to send back',
              IF(COUNT(*) > 0, ': CALL list_late_payments(100), send it back, then CALL settle_late_payment().', '.'))
  FROM order_timeout_payment
 WHERE to_send_back = 1
 UNION ALL
SELECT 11, 'clock', IF(MAX(newest.created_at) > SYSDATE(3) + INTERVAL 5 MINUTE, 'fail', 'ok'),
       CASE WHEN MAX(newest.created_at) IS NULL THEN 'There is no order yet to compare the clock with.'
            WHEN MAX(newest.created_at) > SYSDATE(3) + INTERVAL 5 MINUTE THEN
                CONCAT('The newest order is of ', MAX(newest.created_at), ', but by the setting it is ', SYSDATE(3),
                       ': order_timeout_setting.clock is not the shop''s.')
            ELSE CONCAT('The newest order is of ', MAX(newest.created_at), '; by the setting it is ', SYSDATE(3), '.') END
  FROM (SELECT created_at FROM order_timeout_shop_order ORDER BY order_id DESC LIMIT 100) AS newest;
