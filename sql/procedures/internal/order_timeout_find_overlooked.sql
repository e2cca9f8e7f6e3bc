DROP PROCEDURE IF EXISTS order_timeout_find_overlooked;
DELIMITER $$
CREATE PROCEDURE order_timeout_find_overlooked (
    IN p_order_id BIGINT,
    IN p_batch_id BIGINT UNSIGNED,
    OUT p_is_overlooked BOOLEAN
)
    COMMENT 'Tells whether a settlement in the caller''s transaction has overlooked what another call for the order left half done:
the transaction''s snapshot may be older than that. Called when the order is settled.
Parameters: p_order_id: orders.id. p_batch_id: order_timeout_batch.id of this call. p_is_overlooked: 1: settle again.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_still_due JSON;

    -- Due by the snapshot and yet not given: it was claimed before. Nearly always there is none, and no lock.
    SELECT JSON_ARRAYAGG(JSON_ARRAY(still_due.kind, still_due.target_id))
      INTO v_still_due
      FROM (SELECT 'coupon' AS kind, due.coupon_id AS target_id
              FROM order_timeout_coupon_due AS due
              JOIN user_coupons FORCE INDEX (PRIMARY) ON user_coupons.id = due.coupon_id
             WHERE due.order_id = p_order_id AND due.due > 0
             UNION ALL
            SELECT 'points', due.user_id
              FROM order_timeout_points_due AS due
             WHERE due.order_id = p_order_id AND due.due > 0
           ) AS still_due;

    SET p_is_overlooked = FALSE;
    IF v_still_due IS NOT NULL THEN
        SELECT /*+ JOIN_FIXED_ORDER() */ COUNT(*) > 0
          INTO p_is_overlooked
          FROM JSON_TABLE(v_still_due, '$[*]' COLUMNS (kind VARCHAR(16) PATH '$[0]',
                                                       target_id BIGINT PATH '$[1]')) AS listed
          JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
            ON refund.order_id = p_order_id AND refund.kind = listed.kind AND refund.target_id = listed.target_id
          JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY)
            ON batch.id = refund.batch_id AND NOT batch.settled
         WHERE refund.batch_id <> p_batch_id
           FOR SHARE OF refund, batch;
    END IF;
END$$
DELIMITER ;
