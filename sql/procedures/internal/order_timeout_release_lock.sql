DROP PROCEDURE IF EXISTS order_timeout_release_lock;
DELIMITER $$
CREATE PROCEDURE order_timeout_release_lock (
    IN p_lock VARCHAR(64) CHARACTER SET ascii
)
    COMMENT 'Description: releases a named lock in full: a sweep that was killed in this session may have left it once more.
Parameters: p_lock: its name.'
    SQL SECURITY DEFINER
    NO SQL
BEGIN
    WHILE RELEASE_LOCK(p_lock) = 1 DO
        BEGIN END;
    END WHILE;
END$$
DELIMITER ;
