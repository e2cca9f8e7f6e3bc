DROP PROCEDURE IF EXISTS order_timeout_note_findings;
DELIMITER $$
CREATE PROCEDURE order_timeout_note_findings (
    IN p_order_ids JSON
)
    COMMENT 'Writes to the journal which coupons of an order do not exist, or stand twice in order_coupons.
Parameters: p_order_ids: orders.id with an open claim.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    UPDATE order_timeout_cancellation AS claim
      JOIN (SELECT target.order_id,
                   JSON_ARRAYAGG(IF(user_coupons.id IS NULL, target.coupon_id, NULL)) AS missing,
                   JSON_ARRAYAGG(IF(target.copies > 1, target.coupon_id, NULL)) AS duplicate
              FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
              JOIN order_timeout_coupon_target AS target ON target.order_id = batch.order_id
              LEFT JOIN user_coupons ON user_coupons.id = target.coupon_id
             WHERE user_coupons.id IS NULL OR target.copies > 1
             GROUP BY target.order_id
           ) AS found ON found.order_id = claim.order_id
       SET claim.findings = JSON_OBJECT('missing_coupons', found.missing, 'duplicate_coupons', found.duplicate)
     WHERE claim.in_progress = 1;
END$$
DELIMITER ;
