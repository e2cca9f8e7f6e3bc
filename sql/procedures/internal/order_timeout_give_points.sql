DROP PROCEDURE IF EXISTS order_timeout_give_points;
DELIMITER $$
CREATE PROCEDURE order_timeout_give_points (
    IN p_batch_id BIGINT UNSIGNED,
    IN p_order_ids JSON,
    IN p_cause VARCHAR(16),
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4,
    IN p_now DATETIME(3),
    OUT p_points_refunded BIGINT,
    OUT p_met_batch_id BIGINT UNSIGNED
)
    COMMENT 'Gives back the points that orders took, to the user''s row with the lowest id.
Parameters: p_batch_id: order_timeout_batch.id. p_order_ids: orders.id, locked with their points rows by the caller.
p_cause: timeout, user, admin or repair. p_remark: for the points ledger. p_now: in the shop''s clock.
p_points_refunded: what came back. p_met_batch_id: the batch that had claimed something of it before, NULL: none.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_refunds JSON;

    -- The primary key is (order, kind, target): what has come back once stays as it is, and is told by LAST_INSERT_ID().
    SET SESSION last_insert_id = p_batch_id;
    INSERT INTO order_timeout_refund
           (order_id, kind, target_id, batch_id, user_id, account_id, amount, source, cause, refunded_at)
    SELECT /*+ JOIN_FIXED_ORDER() */
           due.order_id, 'points', due.user_id, p_batch_id, due.user_id, account.id,
           due.due, due.source, p_cause, p_now
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_points_due AS due ON due.order_id = picked.order_id
      -- LATERAL: of a subquery in its place a killed call would say 1048, not 1317.
      JOIN LATERAL (SELECT MIN(id) AS id FROM user_points WHERE user_points.user_id = due.user_id) AS account
     WHERE due.due > 0
        ON DUPLICATE KEY UPDATE order_timeout_refund.batch_id = LAST_INSERT_ID(order_timeout_refund.batch_id);
    SET p_met_batch_id = NULLIF(LAST_INSERT_ID(), p_batch_id);

    SELECT /*+ JOIN_FIXED_ORDER() */
           JSON_ARRAYAGG(JSON_ARRAY(refund.order_id, refund.user_id, refund.account_id, refund.amount)),
           SUM(refund.amount)
      INTO v_refunds, p_points_refunded
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
        ON refund.order_id = picked.order_id AND refund.kind = 'points'
     WHERE refund.batch_id = p_batch_id;

    -- The balances and the mark in one statement. UPDATE changes a row once, so the sum per user comes first.
    UPDATE /*+ JOIN_FIXED_ORDER() */
           (SELECT refund.account_id, SUM(refund.amount) AS amount
              FROM JSON_TABLE(v_refunds, '$[*]' COLUMNS (account_id BIGINT PATH '$[2]',
                                                         amount BIGINT PATH '$[3]')) AS refund
             GROUP BY refund.account_id
           ) AS given
      JOIN user_points FORCE INDEX (PRIMARY) ON user_points.id = given.account_id
      JOIN order_timeout_batch AS batch ON batch.id = p_batch_id
       SET batch.points_given = 1,
           user_points.points = user_points.points + given.amount;

    CALL order_timeout_write_points_ledger(v_refunds, p_remark, p_cause, p_now);
END$$
DELIMITER ;
