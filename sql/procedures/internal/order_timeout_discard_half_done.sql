DROP PROCEDURE IF EXISTS order_timeout_discard_half_done;
DELIMITER $$
CREATE PROCEDURE order_timeout_discard_half_done (
    IN p_order_ids JSON
)
    COMMENT 'Takes back what calls that were cut short claimed for these orders and did not come to do.
What they did give stays: order_timeout_give_coupons() and _points() write its ledger rows, order_timeout_adopt_half_done() takes it over.
Parameters: p_order_ids: orders.id, locked by the caller.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DELETE /*+ JOIN_FIXED_ORDER() */ refund
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY) ON refund.order_id = picked.order_id
      JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY) ON batch.id = refund.batch_id
     WHERE NOT batch.settled
       AND NOT IF(refund.kind = 'coupon', batch.coupons_given, batch.points_given);

    DELETE /*+ JOIN_FIXED_ORDER() */ cancellation
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_cancellation AS cancellation FORCE INDEX (order_timeout_cancellation_order)
        ON cancellation.order_id = picked.order_id
      JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY) ON batch.id = cancellation.batch_id
     WHERE NOT batch.settled;
END$$
DELIMITER ;
