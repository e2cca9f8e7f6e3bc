DROP PROCEDURE IF EXISTS order_timeout_require_reference;
DELIMITER $$
CREATE PROCEDURE order_timeout_require_reference (
    IN p_reference VARCHAR(256) CHARACTER SET utf8mb4
)
    COMMENT 'Description: refuses what is no reference of a payment. A session that is not strict cuts what is too long: two payments would be one.
Parameters: p_reference: its value.
Errors: 50007 p_reference is NULL, empty or longer than 255 characters.'
    SQL SECURITY DEFINER
    NO SQL
BEGIN
    IF NOT COALESCE(CHAR_LENGTH(p_reference) BETWEEN 1 AND 255, FALSE) THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50007,
            MESSAGE_TEXT = 'INVALID_TEXT: p_reference must be the payment''s own id, 1 to 255 characters, but is NULL, empty or longer';
    END IF;
END$$
DELIMITER ;
