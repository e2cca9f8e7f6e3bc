DROP PROCEDURE IF EXISTS order_timeout_read_committed;
DELIMITER $$
CREATE PROCEDURE order_timeout_read_committed (
    OUT p_joined BOOLEAN
)
    COMMENT 'Description: has the next statement read what is committed, if it is a transaction of its own. Called with autocommit on.
Parameters: p_joined: 1: a transaction is open, which the next statement is part of; its isolation level stays.'
    SQL SECURITY DEFINER
    NO SQL
BEGIN
    DECLARE CONTINUE HANDLER FOR 1568 SET p_joined = TRUE;

    SET p_joined = FALSE;
    SET TRANSACTION READ WRITE, ISOLATION LEVEL READ COMMITTED;
END$$
DELIMITER ;
