DROP PROCEDURE IF EXISTS order_timeout_reconcile_next;
DELIMITER $$
CREATE PROCEDURE order_timeout_reconcile_next (
    IN p_created_before DATETIME(3),
    IN p_now DATETIME(3),
    IN p_stop_at DATETIME(3),
    INOUT p_after_order_id BIGINT
)
    COMMENT 'Description: looks at the next orders by their ids, up to 1000, and as many again while there is time, as far as they are old enough.
Parameters: p_created_before: the first order that is younger ends it, but for one from the future: it would end
all that follow. p_now: in the shop''s clock. p_stop_at: no further 1000 then, by SYSDATE().
p_after_order_id: behind this order; set to the last one that was looked at.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_tomorrow DATETIME(3) DEFAULT p_now + INTERVAL 1 DAY;
    DECLARE v_is_begun BOOLEAN DEFAULT FALSE;
    DECLARE v_is_old BOOLEAN;
    DECLARE v_first_young BIGINT;
    DECLARE v_order_ids JSON;
    DECLARE v_last BIGINT;

    look: LOOP
        -- Mostly the next order is too young: that is one row.
        SELECT /*+ {{> session}} */
               (SELECT NOT COALESCE(o.created_at BETWEEN p_created_before AND v_tomorrow, FALSE)
                  FROM order_timeout_shop_order AS o
                 WHERE o.order_id > p_after_order_id
                 ORDER BY o.order_id
                 LIMIT 1)
          INTO v_is_old;
        IF v_is_old IS NOT TRUE OR (v_is_begun AND SYSDATE(3) >= p_stop_at) THEN
            LEAVE look;
        END IF;
        SELECT /*+ {{> session}} */
               MIN(IF(head.created_at BETWEEN p_created_before AND v_tomorrow, head.order_id, NULL)), MAX(head.order_id)
          INTO v_first_young, v_last
          FROM (SELECT o.order_id, o.created_at
                  FROM order_timeout_shop_order AS o
                 WHERE o.order_id > p_after_order_id
                 ORDER BY o.order_id
                 LIMIT 1000) AS head;
        SELECT JSON_ARRAYAGG(o.order_id), MAX(o.order_id)
          INTO v_order_ids, v_last
          FROM order_timeout_shop_order AS o
         WHERE o.order_id > p_after_order_id
           AND o.order_id <= v_last
           AND (v_first_young IS NULL OR o.order_id < v_first_young);
        CALL order_timeout_reconcile_list(v_order_ids, p_now);
        SET p_after_order_id = v_last, v_is_begun = TRUE;
    END LOOP;
END$$
DELIMITER ;
