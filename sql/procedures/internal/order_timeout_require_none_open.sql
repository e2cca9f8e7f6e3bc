DROP PROCEDURE IF EXISTS order_timeout_require_none_open;
DELIMITER $$
CREATE PROCEDURE order_timeout_require_none_open (
    IN p_caller VARCHAR(64) CHARACTER SET utf8mb4
)
    COMMENT 'Description: refuses to go on inside a transaction: what follows begins and ends its own.
Parameters: p_caller: the procedure, for the message.
Errors: 50002 a transaction is open.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4;
    DECLARE v_is_open BOOLEAN DEFAULT FALSE;

    BEGIN
        -- 1568: the isolation level of the next transaction cannot be set while one is open.
        DECLARE CONTINUE HANDLER FOR 1568 SET v_is_open = TRUE;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    END;
    IF v_is_open THEN
        SET v_message = CONCAT('IN_TRANSACTION: ', p_caller, '() runs its own transactions: COMMIT first');
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50002, MESSAGE_TEXT = v_message;
    END IF;
    -- Nothing is open: the caller's next transaction has its own isolation level, whatever is refused next.
    COMMIT AND NO CHAIN NO RELEASE;
END$$
DELIMITER ;
