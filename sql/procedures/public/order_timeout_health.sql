DROP PROCEDURE IF EXISTS order_timeout_health;
DELIMITER $$
CREATE PROCEDURE order_timeout_health ()
    COMMENT 'Description: says whether the order timeout is at work and what is wrong with it. Locks nothing, counts
what is due no further than 10000 of each source type. Reads the pending orders of each, and nothing that grows with the history.
The command order-timeout doctor sees more: the deployed objects, grants and the replication of the event.
Result: check_name, status (ok, warn, fail), detail: what was seen, what it means and what to do.
Errors: 50003 order_timeout_setting has lost its row; 50006 the clock was changed.
Example: CALL order_timeout_health()'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_obstacle VARCHAR(16) CHARACTER SET ascii;

{{> distrust_session}}
    DO order_timeout_now();
    SET v_obstacle = order_timeout_obstacle();
    SELECT /*+ {{> callers_session}} {{> whole_lists}} */ found.check_name, found.status, found.detail
      FROM (
            SELECT 1 AS place, 'setting' AS check_name, IF(paused, 'warn', 'ok') AS status,
                   CONCAT(IF(paused, 'The sweep is paused: order-timeout resume. ', ''),
                          {{#orders.deadline}}'Orders time out at their own deadline'{{/orders.deadline}}{{^orders.deadline}}'Orders time out after ', default_timeout_minutes, ' minutes'{{/orders.deadline}}, '; the shop''s clock is UTC', clock, '.') AS detail
              FROM order_timeout_setting
             UNION ALL
            SELECT 2, 'server', IF(v_obstacle <=> 'read_only', 'warn', 'ok'),
                   CONCAT('MySQL ', VERSION(),
                          IF(v_obstacle <=> 'read_only',
                             ', which does not sweep: it takes no writes, receives a replication channel, is no online primary of its group, or sweep_server_uuid names another.',
                             ', which takes writes.'))
             UNION ALL
            SELECT 3, 'scheduler', IF(@@GLOBAL.event_scheduler = 'ON', 'ok', IF(v_obstacle <=> 'read_only', 'warn', 'fail')),
                   CONCAT('The event scheduler is ', @@GLOBAL.event_scheduler,
                          IF(@@GLOBAL.event_scheduler = 'ON', '.', ': SET PERSIST event_scheduler = ON.'))
             UNION ALL
            SELECT 4, 'event',
                   CASE WHEN MAX(status) = 'ENABLED' AND MAX(interval_value) = '1' AND MAX(interval_field) = 'MINUTE' THEN 'ok'
                        WHEN v_obstacle <=> 'read_only' THEN 'warn'
                        ELSE 'fail' END,
                   CASE WHEN MAX(status) IS NULL THEN 'The event order_timeout_tick is missing: order-timeout up.'
                        WHEN MAX(status) = 'ENABLED' THEN
                            CONCAT('order_timeout_tick is enabled, every ', MAX(interval_value), ' ', LOWER(MAX(interval_field)),
                                   ', as ', MAX(definer), '.')
                        ELSE CONCAT('order_timeout_tick is ', MAX(status), ': on the primary order-timeout doctor --fix, or ',
                                    'ALTER DEFINER = ''', REPLACE(MAX(definer), '@', '''@'''), ''' EVENT order_timeout_tick ENABLE.') END
              FROM information_schema.events
             WHERE event_schema = DATABASE() AND event_name = 'order_timeout_tick'
             UNION ALL
            SELECT 10, 'index', IF(COUNT(*) > 0, 'ok', 'fail'),
                   IF(COUNT(*) > 0, 'The orders have an index that serves the sweep.',
                      'The orders have no index on ({{orders.index_text}}): order-timeout up.')
              FROM (SELECT GROUP_CONCAT(column_name ORDER BY seq_in_index SEPARATOR ', ') AS columns
                      FROM information_schema.statistics
                     WHERE table_schema = DATABASE() AND table_name = '{{orders.table_text}}' AND is_visible = 'YES'
                     GROUP BY index_name) AS present
             WHERE CONCAT(present.columns, ', ') LIKE '{{orders.index_text}}, %'
             UNION ALL
            SELECT 12, 'binlog', IF(@@GLOBAL.log_bin AND @@GLOBAL.binlog_format = 'STATEMENT', 'fail', 'ok'),
                   IF(@@GLOBAL.log_bin, CONCAT('The binary log is on, with format ', @@GLOBAL.binlog_format,
                      IF(@@GLOBAL.binlog_format = 'STATEMENT', ': the sweep needs ROW.', '.')), 'The binary log is off.')
             UNION ALL
            SELECT place, check_name, status, detail FROM order_timeout_work_check) AS found
     ORDER BY found.place, found.check_name;
END$$
DELIMITER ;
