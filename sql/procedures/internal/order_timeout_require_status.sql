{{#orders.is_generated}}
DROP PROCEDURE IF EXISTS order_timeout_require_status;
DELIMITER $$
CREATE PROCEDURE order_timeout_require_status (
    IN p_order_ids JSON,
    IN p_is_paid BOOLEAN
)
    COMMENT 'Description: undoes a cancellation or a payment that has not made its orders cancelled or paid: their status is a generated
column, and follows from what the shop file sets.
Parameters: p_order_ids: the orders. p_is_paid: 1: they must be paid; 0: cancelled.
Errors: 50010 one of them has another status.'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    IF EXISTS (SELECT /*+ JOIN_FIXED_ORDER() */ 1
                 FROM {{> picked}}
                 JOIN order_timeout_shop_order AS o ON o.order_id = picked.order_id
                WHERE NOT COALESCE(IF(p_is_paid, o.status IN ({{orders.paid}}), o.status IN ({{orders.cancelled}})), FALSE)) THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50010,
            MESSAGE_TEXT = 'STATUS_UNCHANGED: what the shop file sets does not change the status of an order as it must: mend set or paid_set';
    END IF;
END$$
DELIMITER ;
{{/orders.is_generated}}
