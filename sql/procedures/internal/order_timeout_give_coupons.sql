DROP PROCEDURE IF EXISTS order_timeout_give_coupons;
DELIMITER $$
CREATE PROCEDURE order_timeout_give_coupons (
    IN p_batch_id BIGINT UNSIGNED,
    IN p_order_ids JSON,
    IN p_coupons INT,
    IN p_cause VARCHAR(16),
    IN p_now DATETIME(3)
)
    COMMENT 'Gives back what the coupons of orders were taken for, and sets free those held for them.
Parameters: p_batch_id: order_timeout_batch.id. p_order_ids: orders.id, locked with their coupons by the caller.
p_coupons: how many coupons the orders have. p_cause: timeout, user, admin or repair. p_now: in the shop''s clock.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_claimed INT;

    -- The primary key is (order, kind, target): what has come back once cannot be claimed again.
    INSERT INTO order_timeout_refund
           (order_id, kind, target_id, batch_id, user_id, account_id, amount, source, cause, stays_held, refunded_at)
    SELECT /*+ JOIN_FIXED_ORDER() */
           refundable.order_id, 'coupon', refundable.coupon_id, p_batch_id, refundable.user_id, refundable.coupon_id,
           refundable.amount, refundable.source, p_cause,
           refundable.coupon_status = 4 /* held */
               AND refundable.used_order_id <> refundable.order_id
               AND EXISTS (SELECT 1 FROM orders AS holder
                            WHERE holder.id = refundable.used_order_id
                              AND holder.status = 1 /* pending */),
           p_now
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_coupon_refundable AS refundable ON refundable.order_id = picked.order_id
     WHERE NOT refundable.is_second_take;

    SET v_claimed = ROW_COUNT();

    -- The balances and the mark in one statement. UPDATE changes a row once, so the sum per coupon comes first.
    UPDATE /*+ JOIN_FIXED_ORDER() */
           (SELECT /*+ JOIN_FIXED_ORDER() */
                   refund.account_id, SUM(refund.amount) AS amount, MIN(refund.stays_held) AS stays_held
              FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
              JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
                ON refund.order_id = picked.order_id AND refund.kind = 'coupon'
             WHERE refund.batch_id = p_batch_id
             GROUP BY refund.account_id
           ) AS given
      JOIN user_coupons FORCE INDEX (PRIMARY) ON user_coupons.id = given.account_id
      JOIN order_timeout_batch AS batch ON batch.id = p_batch_id
       SET batch.coupons_given = 1,
           user_coupons.balance_amount = user_coupons.balance_amount + given.amount,
           user_coupons.status = IF(given.stays_held, user_coupons.status, 1 /* usable */),
           user_coupons.used_at = IF(given.stays_held, user_coupons.used_at, NULL),
           user_coupons.used_order_id = IF(given.stays_held, user_coupons.used_order_id, NULL);

    -- The ledger rows of this batch, and those that a call cut short gave for and did not come to write.
    INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
    SELECT /*+ JOIN_FIXED_ORDER() */
           refund.user_id, refund.target_id, refund.amount, refund.order_id,
           CASE refund.cause WHEN 'timeout' THEN 'timeout_refund'
                             WHEN 'repair' THEN 'repair_refund'
                             ELSE 'cancel_refund' END AS ledger_action,
           refund.refunded_at
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
        ON refund.order_id = picked.order_id AND refund.kind = 'coupon'
      JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY)
        ON batch.id = refund.batch_id AND NOT batch.settled
     WHERE refund.batch_id = p_batch_id
        OR NOT EXISTS (SELECT 1 FROM user_coupon_ledger AS written
                        WHERE written.order_id = refund.order_id
                          AND written.user_coupon_id = refund.target_id
                          AND written.change_amount = refund.amount
                          AND written.action = CASE refund.cause WHEN 'timeout' THEN 'timeout_refund'
                                                                 WHEN 'repair' THEN 'repair_refund'
                                                                 ELSE 'cancel_refund' END
                          AND written.created_at BETWEEN refund.refunded_at - INTERVAL 1 SECOND
                                                     AND refund.refunded_at + INTERVAL 1 SECOND);

    -- Nothing was due for some coupon: it must not stay held for an order that is gone.
    IF v_claimed < p_coupons THEN
        CALL order_timeout_free_coupons(p_order_ids);
    END IF;
END$$
DELIMITER ;
