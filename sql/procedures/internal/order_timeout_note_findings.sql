DROP PROCEDURE IF EXISTS order_timeout_note_findings;
DELIMITER $$
CREATE PROCEDURE order_timeout_note_findings (
    IN p_batch_id BIGINT UNSIGNED
)
    COMMENT 'Writes to the journal which coupons of a cancelled order do not exist, or stand twice in order_coupons.
Parameters: p_batch_id: order_timeout_batch.id.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    UPDATE order_timeout_cancellation AS cancellation
      JOIN order_timeout_coupon_target AS target ON target.order_id = cancellation.order_id
      LEFT JOIN user_coupons FORCE INDEX (PRIMARY) ON user_coupons.id = target.coupon_id
       SET cancellation.findings = JSON_OBJECT('missing_coupons', JSON_ARRAY(), 'duplicate_coupons', JSON_ARRAY())
     WHERE cancellation.batch_id = p_batch_id
       AND (user_coupons.id IS NULL OR target.copies > 1);

    UPDATE order_timeout_cancellation AS cancellation
      JOIN (SELECT target.order_id, JSON_ARRAYAGG(target.coupon_id) AS coupon_ids
              FROM order_timeout_cancellation AS named
              JOIN order_timeout_coupon_target AS target ON target.order_id = named.order_id
              LEFT JOIN user_coupons FORCE INDEX (PRIMARY) ON user_coupons.id = target.coupon_id
             WHERE named.batch_id = p_batch_id AND user_coupons.id IS NULL
             GROUP BY target.order_id
           ) AS missing ON missing.order_id = cancellation.order_id
       SET cancellation.findings = JSON_SET(cancellation.findings, '$.missing_coupons', missing.coupon_ids)
     WHERE cancellation.batch_id = p_batch_id;

    UPDATE order_timeout_cancellation AS cancellation
      JOIN (SELECT target.order_id, JSON_ARRAYAGG(target.coupon_id) AS coupon_ids
              FROM order_timeout_cancellation AS named
              JOIN order_timeout_coupon_target AS target ON target.order_id = named.order_id
             WHERE named.batch_id = p_batch_id AND target.copies > 1
             GROUP BY target.order_id
           ) AS duplicate ON duplicate.order_id = cancellation.order_id
       SET cancellation.findings = JSON_SET(cancellation.findings, '$.duplicate_coupons', duplicate.coupon_ids)
     WHERE cancellation.batch_id = p_batch_id;
END$$
DELIMITER ;
