DROP PROCEDURE IF EXISTS order_timeout_clock;
DELIMITER $$
CREATE PROCEDURE order_timeout_clock ()
    COMMENT 'Description: tells the clock in which the shop and this engine write their times, for callers that may not read order_timeout_setting.
Result: 1 row: clock (UTC offset, such as +08:00), shop_now (in that clock), utc_now.
Errors: 50003 order_timeout_setting has lost its row; 50006 the clock was changed.
Example: CALL order_timeout_clock()'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_now DATETIME(3);

{{> distrust_session}}
    SET v_now = order_timeout_now();
    SELECT '{{clock}}' AS clock, v_now AS shop_now, CONVERT_TZ(v_now, '{{clock}}', '+00:00') AS utc_now;
END$$
DELIMITER ;
