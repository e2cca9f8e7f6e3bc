DROP PROCEDURE IF EXISTS order_timeout_clock;
DELIMITER $$
CREATE PROCEDURE order_timeout_clock ()
    COMMENT 'Tells the clock in which the shop and this engine write their times, for callers that may not read order_timeout_setting.
Result: 1 row: clock (UTC offset, such as +08:00), shop_now (in that clock), utc_now.
Errors: 50003 order_timeout_setting has lost its row.
Example: CALL order_timeout_clock()'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_clock CHAR(6);
    DECLARE v_now DATETIME(3);

    CALL order_timeout_read_clock(v_clock, v_now);
    SELECT v_clock AS clock, v_now AS shop_now, CONVERT_TZ(v_now, v_clock, '+00:00') AS utc_now;
END$$
DELIMITER ;
