DROP FUNCTION IF EXISTS order_timeout_row_gone;
DELIMITER $$
CREATE FUNCTION order_timeout_row_gone (
    p_kind VARCHAR(32) CHARACTER SET ascii,
    p_account_id BIGINT
)
    RETURNS BOOLEAN
    COMMENT 'Description: undoes a settlement of which a row is gone between its claim and its gift: asked in the WHERE of the gift, of such
rows alone. It was not locked: a due view with a reach that does not lead to it, or a row that came after the locks.
Parameters: p_kind, p_account_id: of order_timeout_refund.
Result: none: it always raises the error.
Errors: 50009.'
    SQL SECURITY DEFINER
    NO SQL
BEGIN
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4 DEFAULT CONCAT('ROW_GONE: row ', p_account_id, ', which was to get ', p_kind,
                                                  ', is gone since it was read: call again');

    SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50009, MESSAGE_TEXT = v_message;
    RETURN FALSE;
END$$
DELIMITER ;
