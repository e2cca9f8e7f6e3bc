DROP PROCEDURE IF EXISTS order_timeout_give_points;
DELIMITER $$
CREATE PROCEDURE order_timeout_give_points (
    IN p_order_ids JSON,
    IN p_cause VARCHAR(16),
    IN p_remark VARCHAR(255),
    IN p_now DATETIME(3)
)
    COMMENT 'Gives back the points that orders took: to the user''s row with the lowest id, or to a new one.
Parameters: p_order_ids: orders.id, locked with their points rows by the caller.
p_cause: timeout, user, admin or repair. p_remark: for the points ledger. p_now: in the shop''s clock.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    INSERT INTO user_points (user_id, points, valid_end)
    SELECT DISTINCT due.user_id, 0, NULL
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
      JOIN order_timeout_points_due AS due ON due.order_id = batch.order_id
     WHERE due.due > 0
       AND NOT EXISTS (SELECT 1 FROM user_points AS present WHERE present.user_id = due.user_id)
       AND NOT EXISTS (SELECT 1 FROM order_timeout_refund AS earlier
                        WHERE earlier.order_id = due.order_id AND earlier.kind = 'points');

    INSERT INTO order_timeout_refund
           (order_id, kind, target_id, cancellation_id, user_id, account_id, amount, source, cause)
    SELECT due.order_id, 'points', due.user_id, claim.id, due.user_id,
           (SELECT MIN(id) FROM user_points WHERE user_points.user_id = due.user_id),
           due.due, due.source, p_cause
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
      JOIN order_timeout_points_due AS due ON due.order_id = batch.order_id
      LEFT JOIN order_timeout_cancellation AS claim
        ON claim.order_id = batch.order_id AND claim.in_progress = 1
     WHERE due.due > 0
       AND NOT EXISTS (SELECT 1 FROM order_timeout_refund AS earlier
                        WHERE earlier.order_id = due.order_id
                          AND earlier.kind = 'points'
                          AND earlier.target_id = due.user_id);

    -- One statement for the balance and the mark. UPDATE changes a row once, so the sum per user comes first.
    UPDATE JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
      JOIN order_timeout_refund AS refund
        ON refund.order_id = batch.order_id AND refund.kind = 'points' AND refund.given_at IS NULL
      JOIN (SELECT claimed.account_id, SUM(claimed.amount) AS amount
              FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
              JOIN order_timeout_refund AS claimed
                ON claimed.order_id = batch.order_id AND claimed.kind = 'points' AND claimed.given_at IS NULL
             GROUP BY claimed.account_id
           ) AS account ON account.account_id = refund.account_id
      JOIN user_points ON user_points.id = account.account_id
       SET refund.given_at = p_now,
           user_points.points = user_points.points + account.amount;

    -- Also for what a call cut short gave and did not get to write down.
    INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, remark, created_at)
    SELECT refund.user_id,
           CASE refund.cause WHEN 'timeout' THEN 'timeout_refund'
                             WHEN 'repair' THEN 'repair_refund'
                             ELSE 'cancel_refund' END AS refund_action,
           refund.amount, 'orders', CONCAT(refund.order_id),
           CONVERT(LEFT(p_remark, {{user_points_ledger.remark.length}})
                   USING {{user_points_ledger.remark.charset}}),
           refund.given_at
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS batch
      JOIN order_timeout_refund AS refund ON refund.order_id = batch.order_id AND refund.kind = 'points'
     WHERE NOT EXISTS (SELECT 1 FROM user_points_ledger AS written
                        WHERE written.user_id = refund.user_id
                          AND written.ref_table = 'orders'
                          AND written.ref_id = CONCAT(refund.order_id)
                          AND written.points = refund.amount
                          AND written.action = CASE refund.cause WHEN 'timeout' THEN 'timeout_refund'
                                                                 WHEN 'repair' THEN 'repair_refund'
                                                                 ELSE 'cancel_refund' END
                          AND written.created_at BETWEEN refund.given_at - INTERVAL 1 SECOND
                                                     AND refund.given_at + INTERVAL 1 SECOND);
END$$
DELIMITER ;
