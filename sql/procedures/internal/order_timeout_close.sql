DROP PROCEDURE IF EXISTS order_timeout_close;
DELIMITER $$
CREATE PROCEDURE order_timeout_close (
    IN p_order_ids JSON,
    IN p_now DATETIME(3)
)
    COMMENT 'Sets orders to cancelled and closes their claims, in one statement.
Parameters: p_order_ids: orders.id with an open claim. p_now: in the shop''s clock.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    UPDATE JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
      JOIN orders ON orders.id = batch.order_id AND orders.status = 1 /* pending */
      JOIN order_timeout_cancellation AS claim ON claim.order_id = orders.id AND claim.in_progress = 1
      LEFT JOIN (SELECT refund.cancellation_id,
                        SUM(IF(refund.kind = 'coupon', refund.amount, 0)) AS coupon_refunded,
                        SUM(IF(refund.kind = 'points', refund.amount, 0)) AS points_refunded
                   FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
                   JOIN order_timeout_refund AS refund ON refund.order_id = batch.order_id
                  GROUP BY refund.cancellation_id
                ) AS given ON given.cancellation_id = claim.id
       SET orders.status = 3 /* cancelled */,
           orders.cancelled_at = p_now,
           claim.in_progress = NULL,
           claim.coupon_refunded = COALESCE(given.coupon_refunded, 0),
           claim.points_refunded = COALESCE(given.points_refunded, 0);

    DELETE failure
      FROM order_timeout_failure AS failure
      JOIN JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
        ON batch.order_id = failure.order_id;
END$$
DELIMITER ;
