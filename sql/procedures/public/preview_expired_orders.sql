DROP PROCEDURE IF EXISTS preview_expired_orders;
DELIMITER $$
CREATE PROCEDURE preview_expired_orders (
    IN p_limit INT
)
    COMMENT 'Shows what the next sweep would do, and does nothing: it picks the orders as the sweep does and reads the same amounts.
Locks nothing; an order that somebody holds locked is listed, though the sweep would leave it to the run after.
Parameters: p_limit: at most so many orders, 1 to 100000.
Result: a row per order, oldest first: order_id, user_id, source_type, created_at, overdue_seconds, coupon_refund, points_refund (minor units).
Errors: 50004 p_limit is NULL or out of range; 50003 order_timeout_setting has lost its row.
Example: CALL preview_expired_orders(100)'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_caller_time_zone VARCHAR(64) DEFAULT @@SESSION.time_zone;
    DECLARE v_clock CHAR(6);
    DECLARE v_now DATETIME(3);
    DECLARE v_turns JSON;
    DECLARE v_turn INT DEFAULT 0;
    DECLARE v_of_turn JSON;
    DECLARE v_order_ids JSON DEFAULT JSON_ARRAY();
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        SET SESSION time_zone = v_caller_time_zone;
        RESIGNAL;
    END;

    CALL order_timeout_require_number('p_limit', p_limit, 1, 100000);
    CALL order_timeout_read_clock(v_clock, v_now);
    SET SESSION time_zone = v_clock;
    CALL order_timeout_list_turns(v_now, v_turns);
    WHILE v_turn < JSON_LENGTH(v_turns) DO
        CALL order_timeout_pick(v_now, p_limit, v_turn, v_turns, v_of_turn);
        SET v_order_ids = JSON_MERGE_PRESERVE(v_order_ids, COALESCE(v_of_turn, JSON_ARRAY()));
        SET v_turn = v_turn + 1;
    END WHILE;

    SELECT orders.id AS order_id,
           orders.user_id,
           orders.source_type,
           orders.created_at,
           TIMESTAMPDIFF(SECOND, orders.created_at, turn.cutoff) AS overdue_seconds,
           coupons.amount AS coupon_refund,
           points.amount AS points_refund
      FROM JSON_TABLE(v_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN orders FORCE INDEX (PRIMARY) ON orders.id = picked.order_id
      JOIN JSON_TABLE(v_turns, '$[*]' COLUMNS (source_type BIGINT PATH '$.source_type',
                                               cutoff DATETIME(3) PATH '$.cutoff')) AS turn
        ON turn.source_type <=> orders.source_type
      JOIN LATERAL (SELECT CAST(COALESCE(SUM(amount), 0) AS SIGNED) AS amount
                      FROM order_timeout_coupon_refundable
                     WHERE order_id = picked.order_id AND NOT is_second_take) AS coupons
      JOIN LATERAL (SELECT CAST(COALESCE(SUM(amount), 0) AS SIGNED) AS amount
                      FROM order_timeout_points_refundable
                     WHERE order_id = picked.order_id AND NOT is_second_take) AS points
     ORDER BY orders.created_at, orders.id
     LIMIT p_limit;
    SET SESSION time_zone = v_caller_time_zone;
END$$
DELIMITER ;
