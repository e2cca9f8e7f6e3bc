DROP PROCEDURE IF EXISTS order_timeout_lock_waiting;
DELIMITER $$
CREATE PROCEDURE order_timeout_lock_waiting (
    IN p_order_id BIGINT,
    OUT p_coupons INT,
    OUT p_has_findings BOOLEAN
)
    COMMENT 'Locks the coupons and the points row of an order, waiting for whoever holds them.
Called before anything is written, so that a call killed while it waits has nothing half done.
Parameters: p_order_id: orders.id, locked by the caller.
p_coupons: how many coupons it has that exist. p_has_findings: 1: a coupon does not exist, or stands twice in order_coupons.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_points_row BIGINT;

    SELECT COUNT(user_coupons.id), COUNT(*) > COUNT(user_coupons.id) OR COALESCE(MAX(named.copies), 0) > 1
      INTO p_coupons, p_has_findings
      FROM (SELECT every.coupon_id, SUM(every.copy) AS copies
              FROM ((SELECT coupon_id, 0 AS copy FROM orders WHERE id = p_order_id FOR SHARE)
                     UNION ALL
                    (SELECT user_coupon_id, 1 FROM order_coupons WHERE order_id = p_order_id FOR SHARE)
                   ) AS every
             WHERE every.coupon_id > 0
             GROUP BY every.coupon_id
           ) AS named
      LEFT JOIN user_coupons ON user_coupons.id = named.coupon_id
       FOR UPDATE OF user_coupons;

    SET v_points_row = (
        SELECT user_points.id
          FROM user_points
         WHERE user_points.user_id = (SELECT user_id FROM orders
                                       WHERE id = p_order_id AND points_amount > 0 FOR SHARE)
         ORDER BY user_points.id
         LIMIT 1
           FOR UPDATE);
END$$
DELIMITER ;
