DROP PROCEDURE IF EXISTS order_timeout_give_coupons;
DELIMITER $$
CREATE PROCEDURE order_timeout_give_coupons (
    IN p_order_ids JSON,
    IN p_cause VARCHAR(16),
    IN p_now DATETIME(3)
)
    COMMENT 'Gives back what the coupons of orders were taken for, and sets free those held for them.
Parameters: p_order_ids: orders.id, locked with their coupons by the caller.
p_cause: timeout, user, admin or repair. p_now: in the shop''s clock.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    -- The primary key is (order, kind, target): what has come back once cannot be claimed again.
    INSERT INTO order_timeout_refund
           (order_id, kind, target_id, cancellation_id, user_id, account_id, amount, source, cause, stays_held)
    SELECT due.order_id, 'coupon', due.coupon_id, claim.id, due.user_id, due.coupon_id, due.due, due.source, p_cause,
           user_coupons.status = 4 /* held */
               AND EXISTS (SELECT 1 FROM orders AS holder
                            WHERE holder.id = user_coupons.used_order_id
                              AND holder.id <> due.order_id
                              AND holder.status = 1 /* pending */)
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
      JOIN order_timeout_coupon_due AS due ON due.order_id = batch.order_id
      JOIN user_coupons ON user_coupons.id = due.coupon_id
      LEFT JOIN order_timeout_cancellation AS claim
        ON claim.order_id = batch.order_id AND claim.in_progress = 1
     WHERE due.due > 0
       AND NOT EXISTS (SELECT 1 FROM order_timeout_refund AS earlier
                        WHERE earlier.order_id = due.order_id
                          AND earlier.kind = 'coupon'
                          AND earlier.target_id = due.coupon_id);

    -- One statement for the balance and the mark. UPDATE changes a row once, so the sum per coupon comes first.
    UPDATE JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
      JOIN order_timeout_refund AS refund
        ON refund.order_id = batch.order_id AND refund.kind = 'coupon' AND refund.given_at IS NULL
      JOIN (SELECT claimed.account_id, SUM(claimed.amount) AS amount, MIN(claimed.stays_held) AS stays_held
              FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
              JOIN order_timeout_refund AS claimed
                ON claimed.order_id = batch.order_id AND claimed.kind = 'coupon' AND claimed.given_at IS NULL
             GROUP BY claimed.account_id
           ) AS coupon ON coupon.account_id = refund.account_id
      JOIN user_coupons ON user_coupons.id = coupon.account_id
       SET refund.given_at = p_now,
           user_coupons.balance_amount = user_coupons.balance_amount + coupon.amount,
           user_coupons.status = IF(coupon.stays_held, user_coupons.status, 1 /* usable */),
           user_coupons.used_at = IF(coupon.stays_held, user_coupons.used_at, NULL),
           user_coupons.used_order_id = IF(coupon.stays_held, user_coupons.used_order_id, NULL);

    -- No amount was due for these, yet they must not stay held for an order that is gone.
    UPDATE JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
      JOIN order_timeout_coupon_target AS target ON target.order_id = batch.order_id
      JOIN user_coupons ON user_coupons.id = target.coupon_id
       SET user_coupons.status = 1 /* usable */,
           user_coupons.used_at = NULL,
           user_coupons.used_order_id = NULL
     WHERE user_coupons.status = 4 /* held */
       AND user_coupons.used_order_id = batch.order_id;

    -- Also for what a call cut short gave and did not get to write down.
    INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
    SELECT refund.user_id, refund.target_id, refund.amount, refund.order_id,
           CASE refund.cause WHEN 'timeout' THEN 'timeout_refund'
                             WHEN 'repair' THEN 'repair_refund'
                             ELSE 'cancel_refund' END AS refund_action,
           refund.given_at
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
      JOIN order_timeout_refund AS refund ON refund.order_id = batch.order_id AND refund.kind = 'coupon'
     WHERE NOT EXISTS (SELECT 1 FROM user_coupon_ledger AS written
                        WHERE written.order_id = refund.order_id
                          AND written.user_coupon_id = refund.target_id
                          AND written.change_amount = refund.amount
                          AND written.action = CASE refund.cause WHEN 'timeout' THEN 'timeout_refund'
                                                                 WHEN 'repair' THEN 'repair_refund'
                                                                 ELSE 'cancel_refund' END
                          AND written.created_at BETWEEN refund.given_at - INTERVAL 1 SECOND
                                                     AND refund.given_at + INTERVAL 1 SECOND);
END$$
DELIMITER ;
