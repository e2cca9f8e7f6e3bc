DROP PROCEDURE IF EXISTS order_timeout_require_id;
DELIMITER $$
CREATE PROCEDURE order_timeout_require_id (
    IN p_name VARCHAR(64) CHARACTER SET utf8mb4,
    IN p_id BIGINT
)
    COMMENT 'Description: refuses an id that cannot be one.
Parameters: p_name: the parameter, for the message. p_id: its value.
Errors: 50001 p_id is NULL, zero or negative.'
    SQL SECURITY DEFINER
    NO SQL
BEGIN
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4;

    IF p_id IS NULL OR p_id <= 0 THEN
        SET v_message = CONCAT('INVALID_ID: ', p_name, ' must be a positive id, but is ', COALESCE(p_id, 'NULL'));
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50001, MESSAGE_TEXT = v_message;
    END IF;
END$$
DELIMITER ;
