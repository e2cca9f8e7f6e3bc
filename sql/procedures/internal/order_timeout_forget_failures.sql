DROP PROCEDURE IF EXISTS order_timeout_forget_failures;
DELIMITER $$
CREATE PROCEDURE order_timeout_forget_failures ()
    COMMENT 'Description: deletes the failures of orders that are no longer pending: cancelled or paid by whomever, they need nothing more.
Looks at 1000 failures at the most, from any one on: many that stay keep none from going.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_any BIGINT;
    DECLARE v_order_ids JSON;

    -- In a SELECT of their own the ends are read from the index; beside RAND() all rows would be.
    SELECT ends.least + FLOOR(CAST(RAND() AS DECIMAL(10, 9)) * (CAST(ends.most AS DECIMAL(20)) - ends.least))
      INTO v_any
      FROM (SELECT MIN(order_id) AS least, MAX(order_id) AS most FROM order_timeout_failure) AS ends;
    -- Read first: the DELETE would wait for orders that somebody has locked.
    SELECT JSON_ARRAYAGG(failure.order_id)
      INTO v_order_ids
      FROM ((SELECT order_id FROM order_timeout_failure WHERE order_id >= v_any ORDER BY order_id LIMIT 1000)
             UNION ALL
            (SELECT order_id FROM order_timeout_failure WHERE order_id < v_any ORDER BY order_id LIMIT 1000)
             LIMIT 1000) AS failure
      LEFT JOIN order_timeout_shop_order AS o ON o.order_id = failure.order_id AND o.status = {{orders.pending}} /* pending */
     WHERE o.order_id IS NULL;
    IF v_order_ids IS NOT NULL THEN
        DELETE /*+ SET_VAR(sql_safe_updates=0) JOIN_FIXED_ORDER() */ failure
          FROM JSON_TABLE(v_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS listed
          JOIN order_timeout_failure AS failure FORCE INDEX (PRIMARY) ON failure.order_id = listed.order_id;
        COMMIT AND NO CHAIN NO RELEASE;
    END IF;
END$$
DELIMITER ;
