DROP FUNCTION IF EXISTS order_timeout_types;
DELIMITER $$
CREATE FUNCTION order_timeout_types ()
    RETURNS JSON
    COMMENT 'Description: the types that have pending orders: one index read for each, however many orders there are.
Result: [null, 1, 2]: null stands for the orders without a type.'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_types JSON DEFAULT JSON_ARRAY(NULL);
{{#orders.type}}
    DECLARE v_source_type BIGINT DEFAULT -9223372036854775808;

    type: LOOP
        SELECT MAX(next_one.source_type)
          INTO v_source_type
          FROM (SELECT o.source_type
                  FROM order_timeout_shop_pending AS o
                 WHERE o.source_type > v_source_type
                 ORDER BY o.source_type
                 LIMIT 1) AS next_one;
        IF v_source_type IS NULL THEN
            LEAVE type;
        END IF;
        SET v_types = JSON_ARRAY_APPEND(v_types, '$', v_source_type);
    END LOOP;
{{/orders.type}}
    RETURN v_types;
END$$
DELIMITER ;
