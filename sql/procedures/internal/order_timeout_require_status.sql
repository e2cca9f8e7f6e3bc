DROP PROCEDURE IF EXISTS order_timeout_require_status;
DELIMITER $$
CREATE PROCEDURE order_timeout_require_status (
    IN p_order_ids JSON,
    IN p_is_paid BOOLEAN
)
    COMMENT 'Description: undoes a cancellation or a payment that has left its orders pending, as by a trigger of the shop; or has not made them
cancelled or paid, where their status is a generated column, which follows from what the shop file sets.
Parameters: p_order_ids: the orders. p_is_paid: 1: they must be paid; 0: cancelled.
Errors: 50010 one of them has another status.'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    IF EXISTS (SELECT /*+ JOIN_FIXED_ORDER() */ 1
                 FROM {{> picked}}
                 JOIN order_timeout_shop_order AS o ON o.order_id = picked.order_id
                WHERE {{#orders.is_generated}}NOT COALESCE(IF(p_is_paid, o.status IN ({{orders.paid}}), o.status IN ({{orders.cancelled}})), FALSE){{/orders.is_generated}}{{^orders.is_generated}}o.status = {{orders.pending}} /* pending */{{/orders.is_generated}}) THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50010,
            MESSAGE_TEXT = 'STATUS_UNCHANGED: {{#orders.is_generated}}what the shop file sets does not change the status of an order as it must: mend set or paid_set{{/orders.is_generated}}{{^orders.is_generated}}an order is still pending when its status was set, as by a trigger of the shop: mend that{{/orders.is_generated}}';
    END IF;
END$$
DELIMITER ;
