DROP PROCEDURE IF EXISTS order_timeout_give_coupons;
DELIMITER $$
CREATE PROCEDURE order_timeout_give_coupons (
    IN p_batch_id BIGINT UNSIGNED,
    IN p_order_ids JSON,
    IN p_coupons INT,
    IN p_cause VARCHAR(16),
    IN p_now DATETIME(3),
    OUT p_coupon_refunded BIGINT,
    OUT p_met_batch_id BIGINT UNSIGNED
)
    COMMENT 'Gives back what the coupons of orders were taken for, and sets free those held for them.
Parameters: p_batch_id: order_timeout_batch.id. p_order_ids: orders.id, locked with their coupons by the caller.
p_coupons: how many coupons the orders have. p_cause: timeout, user, admin or repair. p_now: in the shop''s clock.
p_coupon_refunded: what came back. p_met_batch_id: the batch that had claimed something of it before, NULL: none.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_refunds JSON;

    -- The primary key is (order, kind, target): what has come back once stays as it is, and is told by LAST_INSERT_ID().
    SET SESSION last_insert_id = p_batch_id;
    INSERT INTO order_timeout_refund
           (order_id, kind, target_id, batch_id, user_id, account_id, amount, source, cause, stays_held, refunded_at)
    SELECT /*+ JOIN_FIXED_ORDER() */
           due.order_id, 'coupon', due.coupon_id, p_batch_id, due.user_id, due.coupon_id,
           due.due, due.source, p_cause, holder.id IS NOT NULL, p_now
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_coupon_due AS due ON due.order_id = picked.order_id
      JOIN user_coupons FORCE INDEX (PRIMARY) ON user_coupons.id = due.coupon_id
      LEFT JOIN orders AS holder FORCE INDEX (PRIMARY)
        ON holder.id = IF(user_coupons.status = 4 /* held */ AND user_coupons.used_order_id <> due.order_id,
                          user_coupons.used_order_id, NULL)
       AND holder.status = 1 /* pending */
     WHERE due.due > 0
        ON DUPLICATE KEY UPDATE order_timeout_refund.batch_id = LAST_INSERT_ID(order_timeout_refund.batch_id);
    SET p_met_batch_id = NULLIF(LAST_INSERT_ID(), p_batch_id);

    SELECT /*+ JOIN_FIXED_ORDER() */
           JSON_ARRAYAGG(JSON_ARRAY(refund.order_id, refund.user_id, refund.target_id, refund.amount, refund.stays_held)),
           SUM(refund.amount)
      INTO v_refunds, p_coupon_refunded
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
        ON refund.order_id = picked.order_id AND refund.kind = 'coupon'
     WHERE refund.batch_id = p_batch_id;

    -- The balances and the mark in one statement. UPDATE changes a row once, so the sum per coupon comes first.
    UPDATE /*+ JOIN_FIXED_ORDER() */
           (SELECT refund.coupon_id, SUM(refund.amount) AS amount, MIN(refund.stays_held) AS stays_held
              FROM JSON_TABLE(v_refunds, '$[*]' COLUMNS (coupon_id BIGINT PATH '$[2]',
                                                         amount BIGINT PATH '$[3]',
                                                         stays_held INT PATH '$[4]')) AS refund
             GROUP BY refund.coupon_id
           ) AS given
      JOIN user_coupons FORCE INDEX (PRIMARY) ON user_coupons.id = given.coupon_id
      JOIN order_timeout_batch AS batch ON batch.id = p_batch_id
       SET batch.coupons_given = 1,
           user_coupons.balance_amount = user_coupons.balance_amount + given.amount,
           user_coupons.status = IF(given.stays_held, user_coupons.status, 1 /* usable */),
           user_coupons.used_at = IF(given.stays_held, user_coupons.used_at, NULL),
           user_coupons.used_order_id = IF(given.stays_held, user_coupons.used_order_id, NULL);

    CALL order_timeout_write_coupon_ledger(v_refunds, p_cause, p_now);

    -- Nothing came back for some coupon: it must not stay held for an order that is gone.
    IF COALESCE(JSON_LENGTH(v_refunds), 0) < p_coupons THEN
        CALL order_timeout_free_coupons(p_order_ids);
    END IF;
END$$
DELIMITER ;
