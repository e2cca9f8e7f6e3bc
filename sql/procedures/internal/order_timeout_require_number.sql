DROP PROCEDURE IF EXISTS order_timeout_require_number;
DELIMITER $$
CREATE PROCEDURE order_timeout_require_number (
    IN p_name VARCHAR(64) CHARACTER SET utf8mb4,
    IN p_value BIGINT,
    IN p_least BIGINT,
    IN p_most BIGINT
)
    COMMENT 'Description: refuses a number that is missing or out of its range.
Parameters: p_name: the parameter, for the message. p_value: its value. p_least, p_most: its range.
Errors: 50004 p_value is NULL or out of range.'
    SQL SECURITY DEFINER
    NO SQL
BEGIN
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4;

    IF p_value IS NULL OR p_value NOT BETWEEN p_least AND p_most THEN
        SET v_message = CONCAT('INVALID_NUMBER: ', p_name, ' must be ', p_least, ' to ', p_most, ', but is ', COALESCE(p_value, 'NULL'));
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50004, MESSAGE_TEXT = v_message;
    END IF;
END$$
DELIMITER ;
