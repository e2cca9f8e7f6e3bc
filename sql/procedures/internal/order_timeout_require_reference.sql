DROP PROCEDURE IF EXISTS order_timeout_require_reference;
DELIMITER $$
CREATE PROCEDURE order_timeout_require_reference (
    IN p_reference VARCHAR(255) CHARACTER SET utf8mb4
)
    COMMENT 'Description: refuses what is no reference of a payment.
Parameters: p_reference: its value.
Errors: 50007 p_reference is NULL or empty.'
    SQL SECURITY DEFINER
    NO SQL
BEGIN
    IF COALESCE(p_reference, '') = '' THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50007,
            MESSAGE_TEXT = 'INVALID_TEXT: p_reference must be the payment''s own id, but is NULL or empty';
    END IF;
END$$
DELIMITER ;
