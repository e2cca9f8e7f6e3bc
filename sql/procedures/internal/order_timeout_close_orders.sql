DROP PROCEDURE IF EXISTS order_timeout_close_orders;
DELIMITER $$
CREATE PROCEDURE order_timeout_close_orders (
    IN p_batch_id BIGINT UNSIGNED,
    IN p_order_ids JSON,
    IN p_cause VARCHAR(16),
    IN p_run_id BIGINT UNSIGNED,
    IN p_now DATETIME(3)
)
    COMMENT 'Writes the cancellations to the journal, then sets the orders to cancelled and the batch to settled in one statement.
Parameters: p_batch_id: order_timeout_batch.id, of which all is given. The others: as order_timeout_settle().
p_now: in the shop''s clock.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    INSERT INTO order_timeout_cancellation
           (batch_id, order_id, user_id, source_type, cause, run_id, coupon_refunded, points_refunded, cancelled_at)
    SELECT /*+ JOIN_FIXED_ORDER() */
           p_batch_id, orders.id, orders.user_id, orders.source_type, p_cause, p_run_id,
           given.coupon_refunded, given.points_refunded, p_now
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN orders FORCE INDEX (PRIMARY) ON orders.id = picked.order_id
      JOIN LATERAL (
           SELECT COALESCE(SUM(IF(refund.kind = 'coupon', refund.amount, 0)), 0) AS coupon_refunded,
                  COALESCE(SUM(IF(refund.kind = 'points', refund.amount, 0)), 0) AS points_refunded
             FROM order_timeout_refund AS refund FORCE INDEX (PRIMARY)
            WHERE refund.order_id = orders.id AND refund.batch_id = p_batch_id
           ) AS given;

    UPDATE /*+ JOIN_FIXED_ORDER() */
           JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN orders FORCE INDEX (PRIMARY) ON orders.id = picked.order_id AND orders.status = 1 /* pending */
      JOIN order_timeout_batch AS batch ON batch.id = p_batch_id
       SET orders.status = 3 /* cancelled */,
           orders.cancelled_at = p_now,
           batch.settled = 1;

    DELETE /*+ JOIN_FIXED_ORDER() */ failure
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_failure AS failure FORCE INDEX (PRIMARY) ON failure.order_id = picked.order_id;
END$$
DELIMITER ;
