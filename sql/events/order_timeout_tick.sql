DROP EVENT IF EXISTS order_timeout_tick;
DELIMITER $$
CREATE EVENT order_timeout_tick
    ON SCHEDULE EVERY 1 MINUTE
    ON COMPLETION PRESERVE
    ENABLE
    COMMENT 'Cancels unpaid orders that are past their time, see cancel_expired_orders()'
    DO CALL cancel_expired_orders()$$
DELIMITER ;
