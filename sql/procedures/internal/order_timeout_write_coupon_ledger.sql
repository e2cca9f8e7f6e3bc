DROP PROCEDURE IF EXISTS order_timeout_write_coupon_ledger;
DELIMITER $$
CREATE PROCEDURE order_timeout_write_coupon_ledger (
    IN p_refunds JSON,
    IN p_cause VARCHAR(16),
    IN p_refunded_at DATETIME(3)
)
    COMMENT 'Writes the ledger rows of coupon refunds.
Parameters: p_refunds: [[order_id, user_id, coupon_id, amount, stays_held]], NULL: none; or with a cause and a time of
their own: [[..., cause, refunded_at]]. p_cause, p_refunded_at: of those without.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
    SELECT refund.user_id, refund.coupon_id, refund.amount, refund.order_id,
           CASE COALESCE(refund.cause, p_cause)
               WHEN 'timeout' THEN 'timeout_refund'
               WHEN 'repair' THEN 'repair_refund'
               ELSE 'cancel_refund' END,
           COALESCE(refund.refunded_at, p_refunded_at)
      FROM JSON_TABLE(p_refunds, '$[*]' COLUMNS (order_id BIGINT PATH '$[0]',
                                                 user_id BIGINT PATH '$[1]',
                                                 coupon_id BIGINT PATH '$[2]',
                                                 amount BIGINT PATH '$[3]',
                                                 cause VARCHAR(16) PATH '$[5]',
                                                 refunded_at DATETIME(3) PATH '$[6]')) AS refund;
END$$
DELIMITER ;
