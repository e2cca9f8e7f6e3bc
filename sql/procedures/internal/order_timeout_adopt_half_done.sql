DROP PROCEDURE IF EXISTS order_timeout_adopt_half_done;
DELIMITER $$
CREATE PROCEDURE order_timeout_adopt_half_done (
    IN p_batch_id BIGINT UNSIGNED,
    IN p_order_ids JSON,
    INOUT p_coupon_refunded BIGINT,
    INOUT p_points_refunded BIGINT
)
    COMMENT 'Makes what calls that were cut short gave back for these orders part of this batch.
Called when all of this batch is given: the same statement says so, since what it takes over must not be given again.
Parameters: p_batch_id: order_timeout_batch.id. p_order_ids: orders.id, locked by the caller.
p_coupon_refunded, p_points_refunded: what this batch gave back, NULL: nothing; what is taken over is added.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_refunds JSON;
    DECLARE v_coupon_refunded BIGINT;
    DECLARE v_points_refunded BIGINT;

    SELECT /*+ JOIN_FIXED_ORDER() */
           JSON_ARRAYAGG(JSON_ARRAY(refund.order_id, refund.kind, refund.target_id)),
           SUM(IF(refund.kind = 'coupon', refund.amount, 0)),
           SUM(IF(refund.kind = 'points', refund.amount, 0))
      INTO v_refunds, v_coupon_refunded, v_points_refunded
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
        ON refund.order_id = picked.order_id AND refund.batch_id <> p_batch_id
      JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY) ON batch.id = refund.batch_id AND NOT batch.settled
       FOR SHARE OF refund, batch;

    UPDATE /*+ JOIN_FIXED_ORDER() */
           JSON_TABLE(v_refunds, '$[*]' COLUMNS (order_id BIGINT PATH '$[0]',
                                                 kind VARCHAR(16) PATH '$[1]',
                                                 target_id BIGINT PATH '$[2]')) AS listed
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
        ON refund.order_id = listed.order_id AND refund.kind = listed.kind AND refund.target_id = listed.target_id
      JOIN order_timeout_batch AS batch ON batch.id = p_batch_id
       SET refund.batch_id = p_batch_id,
           batch.coupons_given = 1,
           batch.points_given = 1;

    SET p_coupon_refunded = COALESCE(p_coupon_refunded, 0) + COALESCE(v_coupon_refunded, 0),
        p_points_refunded = COALESCE(p_points_refunded, 0) + COALESCE(v_points_refunded, 0);
END$$
DELIMITER ;
