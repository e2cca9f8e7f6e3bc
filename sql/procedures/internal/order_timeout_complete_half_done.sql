DROP PROCEDURE IF EXISTS order_timeout_complete_half_done;
DELIMITER $$
CREATE PROCEDURE order_timeout_complete_half_done (
    IN p_batch_id BIGINT UNSIGNED,
    IN p_order_ids JSON,
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4
)
    COMMENT 'Clears up after calls for these orders that were cut short: takes back what they claimed and did not come to give,
and writes the ledger rows of what they gave. What they gave is then taken over by order_timeout_adopt_half_done().
Parameters: p_batch_id: order_timeout_batch.id of this call. p_order_ids: orders.id, locked by the caller.
p_remark: for the points ledger.
Reads with locks: the snapshot of the caller''s transaction may be older than the call that was cut short.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_not_given JSON;
    DECLARE v_not_closed JSON;
    DECLARE v_coupon_refunds JSON;
    DECLARE v_points_refunds JSON;

    SELECT /*+ JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(JSON_ARRAY(refund.order_id, refund.kind, refund.target_id))
      INTO v_not_given
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY) ON refund.order_id = picked.order_id
      JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY) ON batch.id = refund.batch_id
     WHERE NOT batch.settled AND NOT IF(refund.kind = 'coupon', batch.coupons_given, batch.points_given)
       FOR SHARE OF refund, batch;
    DELETE /*+ JOIN_FIXED_ORDER() */ refund
      FROM JSON_TABLE(v_not_given, '$[*]' COLUMNS (order_id BIGINT PATH '$[0]',
                                                   kind VARCHAR(16) PATH '$[1]',
                                                   target_id BIGINT PATH '$[2]')) AS listed
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
        ON refund.order_id = listed.order_id AND refund.kind = listed.kind AND refund.target_id = listed.target_id;

    SELECT /*+ JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(JSON_ARRAY(cancellation.batch_id, cancellation.order_id))
      INTO v_not_closed
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_cancellation AS cancellation FORCE INDEX (order_timeout_cancellation_order)
        ON cancellation.order_id = picked.order_id
      JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY) ON batch.id = cancellation.batch_id
     WHERE NOT batch.settled
       FOR SHARE OF cancellation, batch;
    DELETE /*+ JOIN_FIXED_ORDER() */ cancellation
      FROM JSON_TABLE(v_not_closed, '$[*]' COLUMNS (batch_id BIGINT UNSIGNED PATH '$[0]',
                                                    order_id BIGINT PATH '$[1]')) AS listed
      JOIN order_timeout_cancellation AS cancellation FORCE INDEX (PRIMARY)
        ON cancellation.batch_id = listed.batch_id AND cancellation.order_id = listed.order_id;

    -- A ledger row of ours is of the time of its refund; the shop's column may have rounded it.
    SELECT /*+ JOIN_FIXED_ORDER() */
           JSON_ARRAYAGG(JSON_ARRAY(refund.order_id, refund.user_id, refund.target_id, refund.amount, refund.stays_held,
                                    refund.cause, refund.refunded_at))
      INTO v_coupon_refunds
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
        ON refund.order_id = picked.order_id AND refund.kind = 'coupon' AND refund.batch_id <> p_batch_id
      JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY) ON batch.id = refund.batch_id AND NOT batch.settled
     WHERE NOT EXISTS (SELECT 1 FROM user_coupon_ledger AS written
                        WHERE written.order_id = refund.order_id
                          AND written.user_coupon_id = refund.target_id
                          AND written.change_amount = refund.amount
                          AND written.action = CASE refund.cause WHEN 'timeout' THEN 'timeout_refund'
                                                                 WHEN 'repair' THEN 'repair_refund'
                                                                 ELSE 'cancel_refund' END
                          AND written.created_at BETWEEN refund.refunded_at - INTERVAL 1 SECOND
                                                     AND refund.refunded_at + INTERVAL 1 SECOND
                          FOR SHARE)
       FOR SHARE OF refund, batch;
    CALL order_timeout_write_coupon_ledger(v_coupon_refunds, NULL, NULL);

    SELECT /*+ JOIN_FIXED_ORDER() */
           JSON_ARRAYAGG(JSON_ARRAY(refund.order_id, refund.user_id, refund.account_id, refund.amount,
                                    refund.cause, refund.refunded_at))
      INTO v_points_refunds
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
        ON refund.order_id = picked.order_id AND refund.kind = 'points' AND refund.batch_id <> p_batch_id
      JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY) ON batch.id = refund.batch_id AND NOT batch.settled
     WHERE NOT EXISTS (SELECT 1 FROM user_points_ledger AS written
                        WHERE written.user_id = refund.user_id
                          AND written.ref_table = 'orders'
                          AND written.ref_id = CONCAT(refund.order_id)
                          AND written.points = refund.amount
                          AND written.action = CASE refund.cause WHEN 'timeout' THEN 'timeout_refund'
                                                                 WHEN 'repair' THEN 'repair_refund'
                                                                 ELSE 'cancel_refund' END
                          AND written.created_at BETWEEN refund.refunded_at - INTERVAL 1 SECOND
                                                     AND refund.refunded_at + INTERVAL 1 SECOND
                          FOR SHARE)
       FOR SHARE OF refund, batch;
    CALL order_timeout_write_points_ledger(v_points_refunds, p_remark, NULL, NULL);
END$$
DELIMITER ;
