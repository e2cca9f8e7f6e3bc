DROP PROCEDURE IF EXISTS order_timeout_write_points_ledger;
DELIMITER $$
CREATE PROCEDURE order_timeout_write_points_ledger (
    IN p_refunds JSON,
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4,
    IN p_cause VARCHAR(16),
    IN p_refunded_at DATETIME(3)
)
    COMMENT 'Writes the ledger rows of points refunds.
Parameters: p_refunds: [[order_id, user_id, account_id, amount]], NULL: none; or with a cause and a time of
their own: [[..., cause, refunded_at]]. p_cause, p_refunded_at: of those without.
p_remark: cut to what the shop''s column holds.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, remark, created_at)
    SELECT refund.user_id,
           CASE COALESCE(refund.cause, p_cause)
               WHEN 'timeout' THEN 'timeout_refund'
               WHEN 'repair' THEN 'repair_refund'
               ELSE 'cancel_refund' END,
           refund.amount, 'orders', CONCAT(refund.order_id),
           CONVERT(LEFT(p_remark, {{user_points_ledger.remark.length}})
                   USING {{user_points_ledger.remark.charset}}),
           COALESCE(refund.refunded_at, p_refunded_at)
      FROM JSON_TABLE(p_refunds, '$[*]' COLUMNS (order_id BIGINT PATH '$[0]',
                                                 user_id BIGINT PATH '$[1]',
                                                 amount BIGINT PATH '$[3]',
                                                 cause VARCHAR(16) PATH '$[4]',
                                                 refunded_at DATETIME(3) PATH '$[5]')) AS refund;
END$$
DELIMITER ;
