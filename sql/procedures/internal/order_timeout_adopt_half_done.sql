DROP PROCEDURE IF EXISTS order_timeout_adopt_half_done;
DELIMITER $$
CREATE PROCEDURE order_timeout_adopt_half_done (
    IN p_batch_id BIGINT UNSIGNED,
    IN p_order_ids JSON
)
    COMMENT 'Makes what calls that were cut short gave back for these orders part of this batch.
Called when all of this batch is given: the same statement says so, since what it takes over must not be given again.
Parameters: p_batch_id: order_timeout_batch.id. p_order_ids: orders.id, locked by the caller.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    UPDATE /*+ JOIN_FIXED_ORDER() */
           JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
        ON refund.order_id = picked.order_id AND refund.batch_id <> p_batch_id
      JOIN order_timeout_batch AS half_done FORCE INDEX (PRIMARY)
        ON half_done.id = refund.batch_id AND NOT half_done.settled
      JOIN order_timeout_batch AS batch ON batch.id = p_batch_id
       SET refund.batch_id = p_batch_id,
           batch.coupons_given = 1,
           batch.points_given = 1;
END$$
DELIMITER ;
