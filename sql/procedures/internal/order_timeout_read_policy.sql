DROP PROCEDURE IF EXISTS order_timeout_read_policy;
DELIMITER $$
CREATE PROCEDURE order_timeout_read_policy (
    IN p_source_type BIGINT,
    OUT p_clock CHAR(6),
    OUT p_enabled BOOLEAN,
    OUT p_timeout_minutes INT
)
    COMMENT 'Reads when orders of a source type time out.
Parameters: p_source_type: orders.source_type. p_clock: the shop''s UTC offset.
p_enabled: 0: never. p_timeout_minutes: their age then.
Errors: 50003 order_timeout_setting has lost its row.'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    SELECT setting.clock,
           COALESCE(policy.enabled, 1),
           COALESCE(policy.timeout_minutes, setting.default_timeout_minutes)
      INTO p_clock, p_enabled, p_timeout_minutes
      FROM order_timeout_setting AS setting
      LEFT JOIN order_timeout_policy AS policy ON policy.source_type = p_source_type
     WHERE setting.id = 1;

    IF p_clock IS NULL THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50003,
            MESSAGE_TEXT = 'order_timeout_setting has lost its row: INSERT INTO order_timeout_setting (id, clock) VALUES (1, ...)';
    END IF;
END$$
DELIMITER ;
