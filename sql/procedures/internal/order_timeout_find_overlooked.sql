DROP PROCEDURE IF EXISTS order_timeout_find_overlooked;
DELIMITER $$
CREATE PROCEDURE order_timeout_find_overlooked (
    IN p_order_id BIGINT,
    IN p_batch_id BIGINT UNSIGNED,
    IN p_found JSON,
    OUT p_is_overlooked BOOLEAN
)
    COMMENT 'Tells whether a settlement in the caller''s transaction has overlooked what another call for the order left half done:
the transaction''s snapshot may be older than that. Called when the order is settled.
Parameters: p_order_id: orders.id. p_batch_id: order_timeout_batch.id of this call. p_found: see order_timeout_settle().
p_is_overlooked: 1: settle again.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_given INT;

    SELECT COUNT(*)
      INTO v_given
      FROM order_timeout_refund
     WHERE order_id = p_order_id AND batch_id = p_batch_id;

    SET p_is_overlooked = FALSE;
    -- Something that was taken has not come back: it may be claimed already. Nearly always all comes back, and no lock.
    IF v_given < p_found -> '$.coupons' + JSON_LENGTH(p_found, '$.with_points') THEN
        SELECT /*+ JOIN_FIXED_ORDER() */ COUNT(*) > 0
          INTO p_is_overlooked
          FROM order_timeout_refund AS refund FORCE INDEX (PRIMARY)
          JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY)
            ON batch.id = refund.batch_id AND NOT batch.settled
         WHERE refund.order_id = p_order_id AND refund.batch_id <> p_batch_id
           FOR SHARE OF refund, batch;
    END IF;
END$$
DELIMITER ;
