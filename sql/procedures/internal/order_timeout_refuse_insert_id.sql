DROP PROCEDURE IF EXISTS order_timeout_refuse_insert_id;
DELIMITER $$
CREATE PROCEDURE order_timeout_refuse_insert_id ()
    COMMENT 'Description: refuses a caller who has said by SET insert_id which id the next row gets: a batch with the id of an earlier one
would give what that one gave, and one with the greatest id would be the last.
Errors: 50001 always.'
    SQL SECURITY DEFINER
    NO SQL
BEGIN
    SIGNAL SQLSTATE '45000'
       SET MYSQL_ERRNO = 50001,
           MESSAGE_TEXT = 'INVALID_ID: SET insert_id says which id a row of the engine would get: call from a session without it';
END$$
DELIMITER ;
