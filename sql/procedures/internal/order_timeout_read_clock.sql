DROP PROCEDURE IF EXISTS order_timeout_read_clock;
DELIMITER $$
CREATE PROCEDURE order_timeout_read_clock (
    OUT p_clock CHAR(6),
    OUT p_now DATETIME(3)
)
    COMMENT 'Reads the shop''s clock and what time it shows.
SELECT ... INTO, here and wherever nobody is to be waited for: a subquery in SET, DEFAULT, IF or WHILE
locks the rows that it reads, under every isolation level, until the transaction ends.
Errors: 50003 order_timeout_setting has lost its row.'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    SELECT MAX(clock), CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', MAX(clock))
      INTO p_clock, p_now
      FROM order_timeout_setting;
    IF p_clock IS NULL THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50003,
            MESSAGE_TEXT = 'order_timeout_setting has lost its row: INSERT INTO order_timeout_setting (id, clock) VALUES (1, ...)';
    END IF;
END$$
DELIMITER ;
