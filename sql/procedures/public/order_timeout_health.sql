DROP PROCEDURE IF EXISTS order_timeout_health;
DELIMITER $$
CREATE PROCEDURE order_timeout_health ()
    COMMENT 'Says whether the order timeout is at work and what is wrong with it. Locks nothing, counts no further than 10000.
Result: check_name, status (ok, warn, fail), detail: what was seen, what it means and what to do.
The command order-timeout doctor sees more: the deployed objects, grants and the replication of the event.
Errors: 50003 order_timeout_setting has lost its row.
Example: CALL order_timeout_health()'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_caller_time_zone VARCHAR(64) DEFAULT @@SESSION.time_zone;
    DECLARE v_clock CHAR(6);
    DECLARE v_now DATETIME(3);
    DECLARE v_newest_at DATETIME(3);
    DECLARE v_obstacle VARCHAR(16);
    DECLARE v_beat_at DATETIME(3);
    DECLARE v_due INT;
    DECLARE v_overdue_seconds BIGINT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        SET SESSION time_zone = v_caller_time_zone;
        RESIGNAL;
    END;

    CALL order_timeout_read_clock(v_clock, v_now);
    SET SESSION time_zone = v_clock;
    SELECT MAX(beat_at)
      INTO v_beat_at
      FROM order_timeout_heartbeat;
    CALL order_timeout_find_obstacle(v_obstacle);
    CALL order_timeout_measure_backlog(v_now, v_due, v_overdue_seconds);
    SELECT MAX(newest.created_at)
      INTO v_newest_at
      FROM (SELECT created_at FROM orders ORDER BY id DESC LIMIT 100) AS newest;

    SELECT told.check_name, told.status, told.detail
      FROM (
        SELECT 1 AS place, 'setting' AS check_name, IF(paused, 'warn', 'ok') AS status,
               CONCAT(IF(paused, 'The sweep is paused: order-timeout resume. ', ''),
                      'Orders time out after ', default_timeout_minutes, ' minutes; the shop''s clock is UTC', clock, '.') AS detail
          FROM order_timeout_setting
        UNION ALL
        SELECT 2, 'server', IF(v_obstacle = 'read_only', 'warn', 'ok'),
               CONCAT('MySQL ', VERSION(),
                      IF(v_obstacle = 'read_only',
                         ', which takes no writes here: a replica, or no online primary of its group. The sweep belongs on the primary.',
                         ', which takes writes.'))
        UNION ALL
        SELECT 3, 'scheduler', IF(@@GLOBAL.event_scheduler = 'ON', 'ok', IF(v_obstacle = 'read_only', 'warn', 'fail')),
               CONCAT('The event scheduler is ', @@GLOBAL.event_scheduler,
                      IF(@@GLOBAL.event_scheduler = 'ON', '.', ': SET PERSIST event_scheduler = ON.'))
        UNION ALL
        SELECT 4, 'event',
               CASE WHEN MAX(status) = 'ENABLED' AND MAX(interval_value) = '1' AND MAX(interval_field) = 'MINUTE' THEN 'ok'
                    WHEN v_obstacle = 'read_only' THEN 'warn'
                    ELSE 'fail' END,
               CASE WHEN MAX(status) IS NULL THEN 'The event order_timeout_tick is missing: order-timeout up.'
                    WHEN MAX(status) = 'ENABLED' THEN
                        CONCAT('order_timeout_tick is enabled, every ', MAX(interval_value), ' ', LOWER(MAX(interval_field)),
                               ', as ', MAX(definer), '.')
                    ELSE CONCAT('order_timeout_tick is ', MAX(status),
                                ': on the primary order-timeout doctor --fix, or ',
                                'ALTER DEFINER = ''', REPLACE(MAX(definer), '@', '''@'''), ''' EVENT order_timeout_tick ENABLE.') END
          FROM information_schema.events
         WHERE event_schema = DATABASE() AND event_name = 'order_timeout_tick'
        UNION ALL
        SELECT 5, 'heartbeat',
               CASE WHEN v_obstacle = 'read_only' THEN 'ok'
                    WHEN v_beat_at IS NULL THEN 'warn'
                    WHEN v_beat_at < v_now - INTERVAL 5 MINUTE THEN 'fail'
                    ELSE 'ok' END,
               CASE WHEN v_beat_at IS NULL THEN 'No sweep has come to its end yet: wait two minutes after the deployment.'
                    ELSE CONCAT('The last sweep ended ', TIMESTAMPDIFF(SECOND, v_beat_at, v_now), ' seconds ago',
                                IF(v_beat_at < v_now - INTERVAL 5 MINUTE AND v_obstacle IS NULL,
                                   ': it should be every minute. See scheduler, event and the server''s error log.', '.')) END
        UNION ALL
        SELECT 6, 'backlog',
               CASE WHEN v_obstacle IS NOT NULL OR v_overdue_seconds < 180 THEN 'ok'
                    WHEN v_overdue_seconds < 900 THEN 'warn' ELSE 'fail' END,
               CONCAT(v_due, IF(v_due >= 10000, ' or more', ''), ' orders are due; the oldest is ',
                      v_overdue_seconds, ' seconds over its time.')
        UNION ALL
        SELECT 7, 'failures', CASE WHEN SUM(retry_at IS NULL) > 0 THEN 'fail' WHEN COUNT(*) > 0 THEN 'warn' ELSE 'ok' END,
               CONCAT(COUNT(*), ' orders failed, ', COALESCE(SUM(retry_at IS NULL), 0), ' of them are set aside',
                      IF(COUNT(*) > 0, ': see order_timeout_failure, mend the cause, then retry_failed_order().', '.'))
          FROM order_timeout_failure
        UNION ALL
        SELECT 8, 'runs', IF(COUNT(*) > 0, 'warn', 'ok'),
               CONCAT(COUNT(*), ' runs failed or were interrupted in the last 24 hours',
                      COALESCE(CONCAT(', last with: ', MAX(error_message)), ''), '.')
          FROM order_timeout_run
         WHERE started_at > v_now - INTERVAL 1 DAY AND outcome IN ('failed', 'interrupted')
        UNION ALL
        SELECT 9, 'half_done', IF(COUNT(*) > 0, 'warn', 'ok'),
               CONCAT(COUNT(*), ' calls were cut short', IF(COUNT(*) > 0,
                      ': the next cancel of the same order completes them, or repair_missing_refund() when it is cancelled.', '.'))
          FROM (SELECT DISTINCT batch_id FROM order_timeout_half_done LIMIT 10000) AS unsettled
        UNION ALL
        SELECT 10, 'index', IF(COUNT(*) > 0, 'ok', 'fail'),
               IF(COUNT(*) > 0, 'orders has an index that serves the sweep.',
                  'orders has no index on (status, source_type, created_at): order-timeout up.')
          FROM information_schema.statistics AS first_column
          JOIN information_schema.statistics AS second_column
            ON second_column.table_schema = first_column.table_schema AND second_column.table_name = first_column.table_name
               AND second_column.index_name = first_column.index_name AND second_column.seq_in_index = 2
          JOIN information_schema.statistics AS third_column
            ON third_column.table_schema = first_column.table_schema AND third_column.table_name = first_column.table_name
               AND third_column.index_name = first_column.index_name AND third_column.seq_in_index = 3
         WHERE first_column.table_schema = DATABASE() AND first_column.table_name = 'orders' AND first_column.seq_in_index = 1
           AND first_column.column_name = 'status' AND second_column.column_name = 'source_type'
           AND third_column.column_name = 'created_at'
        UNION ALL
        SELECT 11, 'clock', IF(v_newest_at > v_now + INTERVAL 5 MINUTE, 'fail', 'ok'),
               CASE WHEN v_newest_at IS NULL THEN 'There is no order yet to compare the clock with.'
                    WHEN v_newest_at > v_now + INTERVAL 5 MINUTE THEN
                        CONCAT('The newest order is of ', v_newest_at, ', but by the setting it is ', v_now,
                               ': order_timeout_setting.clock is not the shop''s.')
                    ELSE CONCAT('The newest order is of ', v_newest_at, '; by the setting it is ', v_now, '.') END
        UNION ALL
        SELECT 12, 'binlog', IF(@@GLOBAL.log_bin AND @@GLOBAL.binlog_format = 'STATEMENT', 'fail', 'ok'),
               IF(@@GLOBAL.log_bin, CONCAT('The binary log is on, with format ', @@GLOBAL.binlog_format,
                  IF(@@GLOBAL.binlog_format = 'STATEMENT', ': the sweep needs ROW.', '.')), 'The binary log is off.')
      ) AS told
     ORDER BY told.place;
    SET SESSION time_zone = v_caller_time_zone;
END$$
DELIMITER ;
