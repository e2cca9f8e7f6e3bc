DROP PROCEDURE IF EXISTS order_timeout_close_orders;
DELIMITER $$
CREATE PROCEDURE order_timeout_close_orders (
    IN p_batch_id BIGINT UNSIGNED,
    IN p_order_ids JSON,
    IN p_cause VARCHAR(16),
    IN p_run_id BIGINT UNSIGNED,
    IN p_has_findings BOOLEAN,
    IN p_now DATETIME(3)
)
    COMMENT 'Writes the cancellations to the journal, then sets the orders to cancelled and the batch to settled in one statement.
Parameters: p_batch_id: order_timeout_batch.id, of which all is given. p_order_ids, p_cause, p_run_id, p_now: as order_timeout_settle().
p_has_findings: 1: some coupon may not exist, or stands twice in order_coupons.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    INSERT INTO order_timeout_cancellation
           (batch_id, order_id, user_id, source_type, cause, run_id, cancelled_at)
    SELECT /*+ JOIN_FIXED_ORDER() */
           p_batch_id, orders.id, orders.user_id, orders.source_type, p_cause, p_run_id, p_now
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN orders FORCE INDEX (PRIMARY) ON orders.id = picked.order_id;

    IF p_has_findings THEN
        CALL order_timeout_note_findings(p_batch_id);
    END IF;

    -- Last of all: no later call completes what this statement has settled.
    UPDATE /*+ JOIN_FIXED_ORDER() */
           JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN orders FORCE INDEX (PRIMARY) ON orders.id = picked.order_id AND orders.status = 1 /* pending */
      JOIN order_timeout_batch AS batch ON batch.id = p_batch_id
       SET orders.status = 3 /* cancelled */,
           orders.cancelled_at = p_now,
           batch.settled = 1;
END$$
DELIMITER ;
