DROP PROCEDURE IF EXISTS order_timeout_note_refused;
DELIMITER $$
CREATE PROCEDURE order_timeout_note_refused (
    IN p_kind VARCHAR(32) CHARACTER SET ascii,
    IN p_account_id BIGINT,
    IN p_error VARCHAR(512) CHARACTER SET utf8mb4,
    IN p_now DATETIME(3)
)
    COMMENT 'Description: opens a finding of what is owed to a row and was refused by its table, by a trigger or a constraint. It closes when it
is given, see order_timeout_reconcile().
Parameters: p_kind, p_account_id: of order_timeout_owed. p_error: number and text. p_now: in the shop''s clock.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    -- What somebody holds locked is noted in another run: it is tried again every minute.
    DECLARE EXIT HANDLER FOR 1205 /* lock wait */, 1213 /* deadlock */ ROLLBACK AND NO CHAIN NO RELEASE;

    COMMIT AND NO CHAIN NO RELEASE;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION READ WRITE;
    INSERT INTO order_timeout_finding (order_id, kind, target_id, what, amount, other_amount, detail, opened_at)
    SELECT /*+ JOIN_FIXED_ORDER() */ seen.order_id, p_kind, seen.target_id, 'not_given', seen.amount, seen.other_amount, seen.detail, p_now
      FROM (SELECT /*+ JOIN_FIXED_ORDER() */ refund.order_id, refund.target_id, SUM(refund.amount) OVER () AS amount, COUNT(*) OVER () AS other_amount,
                   LEFT(p_error, 255) AS detail
              FROM order_timeout_owed AS owed
              {{> owed_refunds}}
             WHERE owed.kind = p_kind AND owed.account_id = p_account_id
             ORDER BY refund.order_id, refund.target_id
             LIMIT 1) AS seen
        ON DUPLICATE KEY UPDATE {{> reopen_finding}};
    COMMIT AND NO CHAIN NO RELEASE;
END$$
DELIMITER ;
