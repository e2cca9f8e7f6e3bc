DROP PROCEDURE IF EXISTS order_timeout_place_claims;
DELIMITER $$
CREATE PROCEDURE order_timeout_place_claims (
    IN p_batch_id BIGINT UNSIGNED,
    IN p_order_ids JSON,
    IN p_now DATETIME(3)
)
    COMMENT 'Description: finds a place for claims that have no row to go to: where the shop file says how (open), a new row; else the
claim is withdrawn and a finding opens, and the order is cancelled all the same.
Parameters: p_batch_id: order_timeout_batch.id. p_order_ids: the orders with a claim for account_id 0. p_now: in the shop''s clock.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
{{#rules}}
    -- {{kind}}: {{table_text}}
{{#open}}
    -- Read as the claim is, by INSERT: a plain SELECT would see a caller's old snapshot, and an UPDATE that joined the shop's rows
    -- would wait for those that another call has just opened. Another kind may have opened the row just now.
    INSERT INTO order_timeout_shop_{{kind}} ({{open.columns}})
    SELECT /*+ {{> callers_session}} JOIN_FIXED_ORDER() */ DISTINCT {{open.values}}
      FROM {{> picked}}
      JOIN order_timeout_refund AS due FORCE INDEX (PRIMARY)
        ON due.order_id = picked.order_id AND due.kind = '{{kind}}' AND due.batch_id = p_batch_id AND due.account_id = 0
      JOIN order_timeout_due_{{kind}} AS took
        ON took.order_id = due.order_id AND took.target_id = due.target_id AND took.account_id IS NULL;
    INSERT INTO order_timeout_refund
           (order_id, kind, target_id, batch_id, user_id, account_id, amount, taken, source, cause, refunded_at)
    SELECT /*+ {{> callers_session}} JOIN_FIXED_ORDER() */
           refund.order_id, refund.kind, refund.target_id, p_batch_id, refund.user_id, took.account_id, refund.amount, refund.taken,
           refund.source, refund.cause, p_now
      FROM {{> refunds_of_kind}} AND refund.account_id = 0
      JOIN order_timeout_due_{{kind}} AS took ON took.order_id = refund.order_id AND took.target_id = refund.target_id
        ON DUPLICATE KEY UPDATE account_id = took.account_id;
{{/open}}
{{^open}}
    INSERT INTO order_timeout_finding (order_id, kind, target_id, what, amount, opened_at)
    SELECT /*+ {{> callers_session}} */ seen.order_id, '{{kind}}', seen.target_id, 'missing_target', seen.amount, p_now
      FROM (SELECT /*+ JOIN_FIXED_ORDER() */ refund.order_id, refund.target_id, refund.amount, 0 AS other_amount, '' AS detail
              FROM {{> refunds_of_kind}} AND refund.account_id = 0) AS seen
        ON DUPLICATE KEY UPDATE {{> reopen_finding}};
    DELETE /*+ {{> callers_session}} JOIN_FIXED_ORDER() */ refund
      FROM {{> refunds_of_kind}} AND refund.account_id = 0;
{{/open}}
{{/rules}}
END$$
DELIMITER ;
