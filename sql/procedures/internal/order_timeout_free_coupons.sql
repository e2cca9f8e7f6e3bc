DROP PROCEDURE IF EXISTS order_timeout_free_coupons;
DELIMITER $$
CREATE PROCEDURE order_timeout_free_coupons (
    IN p_order_ids JSON
)
    COMMENT 'Sets free the coupons that are still held for orders which are being cancelled. No amount changes, so no ledger row.
Parameters: p_order_ids: orders.id, locked with their coupons by the caller.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    UPDATE /*+ JOIN_FIXED_ORDER() */
           JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_coupon_target AS target ON target.order_id = picked.order_id
      JOIN user_coupons FORCE INDEX (PRIMARY) ON user_coupons.id = target.coupon_id
       SET user_coupons.status = 1 /* usable */,
           user_coupons.used_at = NULL,
           user_coupons.used_order_id = NULL
     WHERE user_coupons.status = 4 /* held */
       AND user_coupons.used_order_id = picked.order_id;
END$$
DELIMITER ;
