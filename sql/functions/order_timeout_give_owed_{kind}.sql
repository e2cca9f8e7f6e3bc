{{#owes}}
DROP FUNCTION IF EXISTS order_timeout_give_owed_{{kind}};
DELIMITER $$
CREATE FUNCTION order_timeout_give_owed_{{kind}} (
    p_owed JSON
)
    RETURNS INT
    COMMENT 'Description: gives what is owed as {{kind}} to {{table_text}}: one statement, which MySQL undoes whole. What is owed to a row
that is gone becomes a finding.
Parameters: p_owed: [[account_id, batch_id, is_there]], rows of order_timeout_owed, locked with those of {{table_text}} by
order_timeout_pay_rows_{{kind}}(), which alone says which are there: one that is back since gets nothing beside its finding.
Result: how many of order_timeout_owed are paid.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
    -- It is not; with the binary log on, MySQL asks for the word. Rows are logged, not the call.
    DETERMINISTIC
BEGIN
    DECLARE p_now DATETIME(3) DEFAULT order_timeout_now();

{{#floor}}
    INSERT INTO order_timeout_finding (order_id, kind, target_id, what, amount, other_amount, opened_at)
    SELECT /*+ JOIN_FIXED_ORDER() */ short.order_id, '{{kind}}', short.target_id, 'below_floor', short.amount, short.before_amount, p_now
      FROM (SELECT /*+ JOIN_FIXED_ORDER() */ first_order.order_id, first_order.target_id, given.amount, COALESCE(target.{{amount_column}}, 0) AS before_amount
              FROM (SELECT /*+ JOIN_FIXED_ORDER() */ owed.account_id, SUM(owed.amount) AS amount
                      FROM {{> owed_rows}}
                     WHERE listed.is_there
                     GROUP BY owed.account_id) AS given
              JOIN order_timeout_shop_{{kind}} AS target ON target.{{id}} = given.account_id
              JOIN LATERAL (SELECT /*+ JOIN_FIXED_ORDER() */ refund.order_id, refund.target_id
                              FROM {{> owed_rows}}
              {{> owed_refunds}}
                             WHERE owed.account_id = given.account_id
                             ORDER BY refund.order_id, refund.target_id
                             LIMIT 1) AS first_order
             WHERE CAST(COALESCE(target.{{amount_column}}, 0) AS SIGNED) - given.amount < {{floor}}) AS short
        ON DUPLICATE KEY UPDATE amount = short.amount, other_amount = short.before_amount, settled_at = NULL, opened_at = p_now;
{{/floor}}
    INSERT INTO order_timeout_finding (order_id, kind, target_id, what, amount, opened_at)
    SELECT /*+ JOIN_FIXED_ORDER() */ gone.order_id, '{{kind}}', gone.target_id, 'missing_target', gone.amount, p_now
      FROM (SELECT /*+ JOIN_FIXED_ORDER() */ refund.order_id, refund.target_id, refund.amount
              FROM {{> owed_rows}}
              {{> owed_refunds}}
             WHERE NOT listed.is_there) AS gone
        ON DUPLICATE KEY UPDATE amount = gone.amount, settled_at = NULL, closed_at = NULL, opened_at = p_now;

    -- UPDATE changes a row once, however often it is joined: the sum for each row comes first.
    UPDATE /*+ JOIN_FIXED_ORDER() */
           (SELECT /*+ JOIN_FIXED_ORDER() */ owed.account_id, SUM(owed.amount) AS amount{{#tells.keeps_state}}, 0 AS keeps_state /* of a kind that was shared */{{/tells.keeps_state}}
              FROM {{> owed_rows}}
             WHERE listed.is_there
             GROUP BY owed.account_id) AS given
      JOIN order_timeout_shop_{{kind}} AS target ON target.{{id}} = given.account_id
       SET {{#changes}}target.{{column}} = {{value}}{{^last}},
           {{/last}}{{/changes}};
    DELETE /*+ JOIN_FIXED_ORDER() */ owed
      FROM {{> owed_rows}};
    RETURN JSON_LENGTH(p_owed);
END$$
DELIMITER ;
{{/owes}}
