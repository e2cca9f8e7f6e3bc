DROP PROCEDURE IF EXISTS order_money;
DELIMITER $$
CREATE PROCEDURE order_money (
    IN p_order_id BIGINT
)
    COMMENT 'Description: support''s one answer: what an order took, what of it came back, and what is missing. Locks nothing.
Parameters: p_order_id: the order''s id.
Result: a row per kind and target: kind, target_id, account_id (the row that got it, or will), taken, returned, owed (claimed, given by
the next sweep), missing (of a cancelled order), source (where it is known from), finding (what a person has to look at; NULL: nothing).
Errors: 50001 p_order_id is NULL or not positive; 50003 the setting is lost; 50006 the clock was changed.
Example: CALL order_money(28229)'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
{{> distrust_session}}
    CALL order_timeout_require_id('p_order_id', p_order_id);
    DO order_timeout_now();
    SELECT /*+ {{> callers_session}} {{> whole_lists}} */ money.*, found.findings AS finding
      FROM (
{{#rules}}
            SELECT money.kind, money.target_id, money.account_id, money.taken, money.returned, money.owed,
                   IF(o.status IN ({{orders.cancelled}}) AND money.is_auditable AND {{> is_audited}} AND {{> is_not_settled}},
                      money.refundable, 0) AS missing, money.source
              FROM order_timeout_money_{{kind}} AS money
              JOIN order_timeout_shop_order AS o ON o.order_id = money.order_id
             WHERE money.order_id = p_order_id
             UNION ALL
{{/rules}}
            -- What came back and is no longer seen at the order, such as a whole coupon that was set free.
            SELECT refund.kind, refund.target_id, refund.account_id, refund.taken, refund.taken,
                   IF(owed.amount > 0, refund.amount, 0), 0, refund.source
              FROM order_timeout_refund AS refund
              LEFT JOIN order_timeout_owed AS owed
                ON owed.kind = refund.kind AND owed.account_id = refund.account_id AND owed.batch_id = refund.batch_id
             WHERE refund.order_id = p_order_id{{#rules}}
               AND NOT EXISTS (SELECT 1 FROM order_timeout_due_{{kind}} AS due
                                WHERE due.order_id = p_order_id AND refund.kind = '{{kind}}' AND due.target_id = refund.target_id){{/rules}}
           ) AS money
      JOIN LATERAL (SELECT GROUP_CONCAT(finding.what ORDER BY finding.what SEPARATOR ', ') AS findings
                      FROM order_timeout_finding AS finding
                     WHERE finding.order_id = p_order_id AND finding.kind = money.kind
                       AND finding.target_id = money.target_id AND finding.is_open) AS found
     ORDER BY money.kind, money.target_id;
END$$
DELIMITER ;
