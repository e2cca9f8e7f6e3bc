DROP FUNCTION IF EXISTS order_timeout_now;
DELIMITER $$
CREATE FUNCTION order_timeout_now ()
    RETURNS DATETIME(3)
    COMMENT 'Description: tells the time by the server''s clock: SYSDATE(), which a caller''s SET timestamp does not move and which goes on
while a statement waits for a lock.
Result: what the shop''s clock shows now.
Errors: 50003 order_timeout_setting has lost its row; 50006 its clock is not the one that the routines were deployed with.'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_clock CHAR(6) CHARACTER SET ascii;
    DECLARE v_now DATETIME(3);
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4;

    -- Under a hint: in the hour in which a session's clocks go back its own times have two meanings.
    SELECT /*+ SET_VAR(time_zone='{{clock}}') */ MAX(clock), SYSDATE(3) INTO v_clock, v_now FROM order_timeout_setting WHERE id = 1;
    IF v_clock IS NULL THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50003,
            MESSAGE_TEXT = 'SETTING_LOST: order_timeout_setting has lost its row: INSERT INTO order_timeout_setting (id, clock) VALUES (1, ''{{clock}}'')';
    ELSEIF v_clock <> '{{clock}}' THEN
        SET v_message = CONCAT('CLOCK_CHANGED: the setting clock is ', v_clock, ', the routines have {{clock}}: order-timeout up --clock ', v_clock);
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50006, MESSAGE_TEXT = v_message;
    END IF;
    RETURN v_now;
END$$
DELIMITER ;
