DROP PROCEDURE IF EXISTS order_timeout_give_points;
DELIMITER $$
CREATE PROCEDURE order_timeout_give_points (
    IN p_batch_id BIGINT UNSIGNED,
    IN p_order_ids JSON,
    IN p_cause VARCHAR(16),
    IN p_remark VARCHAR(255),
    IN p_now DATETIME(3)
)
    COMMENT 'Gives back the points that orders took: to the user''s row with the lowest id, or to a new one.
Parameters: p_batch_id: order_timeout_batch.id. p_order_ids: orders.id, locked with their points rows by the caller.
p_cause: timeout, user, admin or repair. p_remark: for the points ledger. p_now: in the shop''s clock.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    INSERT INTO user_points (user_id, points, valid_end)
    SELECT /*+ JOIN_FIXED_ORDER() */
           DISTINCT orders.user_id, 0, NULL
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN orders FORCE INDEX (PRIMARY) ON orders.id = picked.order_id AND orders.points_amount > 0
      LEFT JOIN user_points AS present ON present.user_id = orders.user_id
      JOIN order_timeout_points_refundable AS refundable ON refundable.order_id = orders.id
     WHERE present.id IS NULL AND NOT refundable.is_second_take
        ON DUPLICATE KEY UPDATE user_points.points = user_points.points;

    INSERT INTO order_timeout_refund
           (order_id, kind, target_id, batch_id, user_id, account_id, amount, source, cause, refunded_at)
    SELECT /*+ JOIN_FIXED_ORDER() */
           refundable.order_id, 'points', refundable.user_id, p_batch_id, refundable.user_id,
           (SELECT MIN(id) FROM user_points WHERE user_points.user_id = refundable.user_id),
           refundable.amount, refundable.source, p_cause, p_now
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_points_refundable AS refundable ON refundable.order_id = picked.order_id
     WHERE NOT refundable.is_second_take;

    -- The balances and the mark in one statement. UPDATE changes a row once, so the sum per user comes first.
    UPDATE /*+ JOIN_FIXED_ORDER() */
           (SELECT /*+ JOIN_FIXED_ORDER() */
                   refund.account_id, SUM(refund.amount) AS amount
              FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
              JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
                ON refund.order_id = picked.order_id AND refund.kind = 'points'
             WHERE refund.batch_id = p_batch_id
             GROUP BY refund.account_id
           ) AS given
      JOIN user_points FORCE INDEX (PRIMARY) ON user_points.id = given.account_id
      JOIN order_timeout_batch AS batch ON batch.id = p_batch_id
       SET batch.points_given = 1,
           user_points.points = user_points.points + given.amount;

    -- The ledger rows of this batch, and those that a call cut short gave for and did not come to write.
    INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, remark, created_at)
    SELECT /*+ JOIN_FIXED_ORDER() */
           refund.user_id,
           CASE refund.cause WHEN 'timeout' THEN 'timeout_refund'
                             WHEN 'repair' THEN 'repair_refund'
                             ELSE 'cancel_refund' END AS ledger_action,
           refund.amount, 'orders', CONCAT(refund.order_id),
           CONVERT(LEFT(p_remark, {{user_points_ledger.remark.length}})
                   USING {{user_points_ledger.remark.charset}}),
           refund.refunded_at
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
        ON refund.order_id = picked.order_id AND refund.kind = 'points'
      JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY)
        ON batch.id = refund.batch_id AND NOT batch.settled
     WHERE refund.batch_id = p_batch_id
        OR NOT EXISTS (SELECT 1 FROM user_points_ledger AS written
                        WHERE written.user_id = refund.user_id
                          AND written.ref_table = 'orders'
                          AND written.ref_id = CONCAT(refund.order_id)
                          AND written.points = refund.amount
                          AND written.action = CASE refund.cause WHEN 'timeout' THEN 'timeout_refund'
                                                                 WHEN 'repair' THEN 'repair_refund'
                                                                 ELSE 'cancel_refund' END
                          AND written.created_at BETWEEN refund.refunded_at - INTERVAL 1 SECOND
                                                     AND refund.refunded_at + INTERVAL 1 SECOND);
END$$
DELIMITER ;
