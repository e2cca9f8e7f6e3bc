DROP PROCEDURE IF EXISTS order_timeout_detect_transaction;
DELIMITER $$
CREATE PROCEDURE order_timeout_detect_transaction (
    OUT p_in_transaction BOOLEAN
)
    COMMENT 'Tells whether the caller has a transaction open; with autocommit off the answer is yes.
A savepoint is kept only inside a transaction: outside, releasing it raises 1305.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE CONTINUE HANDLER FOR 1305 SET p_in_transaction = FALSE;

    SET p_in_transaction = TRUE;
    SAVEPOINT order_timeout_probe;
    RELEASE SAVEPOINT order_timeout_probe;
END$$
DELIMITER ;
