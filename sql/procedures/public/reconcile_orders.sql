DROP PROCEDURE IF EXISTS reconcile_orders;
DELIMITER $$
CREATE PROCEDURE reconcile_orders (
    IN p_since DATETIME(3)
)
    COMMENT 'Description: looks at all orders at once, as the sweep does by and by: opens findings of what a person has to look at, and closes
those that are true no longer. Changes nothing of the shop. Takes its time: reads every order, whatever p_since, 1000 a transaction.
Parameters: p_since: orders created from then on, in the shop''s clock; NULL: all.
Result: 1 row: orders (looked at), opened, closed (findings).
Errors: 50002 called inside a transaction; 50003 order_timeout_setting has lost its row; 50006 the clock was changed.
Example: CALL reconcile_orders(''2026-01-01'')'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_now DATETIME(3);
    DECLARE v_after BIGINT DEFAULT 0;
    DECLARE v_order_ids JSON;
    DECLARE v_looked_at BIGINT;
    DECLARE v_orders BIGINT DEFAULT 0;
    DECLARE v_opened BIGINT;
    DECLARE v_closed BIGINT;

    CALL order_timeout_require_none_open('reconcile_orders');
{{> distrust_session}}
    COMMIT AND NO CHAIN NO RELEASE;
    SET v_now = order_timeout_now();
    slice: LOOP
        SELECT /*+ {{> session}} */ JSON_ARRAYAGG(IF(p_since IS NULL OR head.created_at >= p_since, head.order_id, NULL)),
               COUNT(IF(p_since IS NULL OR head.created_at >= p_since, 1, NULL)), MAX(head.order_id)
          INTO v_order_ids, v_looked_at, v_after
          FROM (SELECT o.order_id, o.created_at
                  FROM order_timeout_shop_order AS o
                 WHERE o.order_id > v_after
                 ORDER BY o.order_id
                 LIMIT 1000) AS head;
        IF v_after IS NULL THEN
            LEAVE slice;
        END IF;
        IF v_looked_at > 0 THEN
            CALL order_timeout_reconcile_list(v_order_ids, v_now);
        END IF;
        SET v_orders = v_orders + v_looked_at;
    END LOOP;

    SELECT COALESCE(SUM(opened_at = v_now), 0), COALESCE(SUM(closed_at = v_now), 0)
      INTO v_opened, v_closed
      FROM order_timeout_finding
     WHERE opened_at = v_now OR closed_at = v_now;
    -- With autocommit off that look has begun a transaction.
    COMMIT AND NO CHAIN NO RELEASE;
    SELECT v_orders AS orders, v_opened AS opened, v_closed AS closed;
END$$
DELIMITER ;
