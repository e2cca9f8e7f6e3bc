DROP PROCEDURE IF EXISTS order_timeout_give_{{kind}};
DELIMITER $$
CREATE PROCEDURE order_timeout_give_{{kind}} (
    IN p_batch_id BIGINT UNSIGNED,
    IN p_order_ids JSON,
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4,
    IN p_now DATETIME(3)
)
    COMMENT 'Description: gives what a batch has claimed as {{kind}} to {{table_text}}{{#ledger}}, and writes it to {{ledger.table_text}}{{/ledger}}.
Parameters: of order_timeout_settle(); p_batch_id: order_timeout_batch.id.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
{{^journal}}
    -- A release that may be repeated: the journal knows nothing of it.
    UPDATE /*+ {{> callers_session}} JOIN_FIXED_ORDER() */
           {{> picked}}
      JOIN order_timeout_due_{{kind}} AS due ON due.order_id = picked.order_id
      JOIN order_timeout_shop_{{kind}} AS target ON target.{{id}} = due.account_id
       SET {{#set}}target.{{column}} = {{value}}{{^last}},
           {{/last}}{{/set}};
{{/journal}}
{{#journal}}
{{#shared}}
    -- Customers fight for these rows: the sweep gives them what is owed in small transactions, see order_timeout_pay_owed().
    INSERT INTO order_timeout_owed (kind, account_id, batch_id, order_id, amount, owed_at)
    SELECT /*+ {{> callers_session}} JOIN_FIXED_ORDER() */ '{{kind}}', refund.account_id, p_batch_id, MIN(refund.order_id), SUM(refund.amount), p_now
      FROM {{> refunds_of_kind}}
     GROUP BY refund.account_id;
{{/shared}}
{{^shared}}
{{#ledger}}
    INSERT INTO order_timeout_shop_{{kind}}_ledger ({{ledger.columns}})
    SELECT /*+ {{> callers_session}} JOIN_FIXED_ORDER() */
           {{ledger.values}}
      FROM {{^ledger.balance}}{{> refunds_of_kind}}{{/ledger.balance}}{{#ledger.balance}}(
               SELECT /*+ JOIN_FIXED_ORDER() */ refund.*, {{ledger.balance}} AS balance
                 FROM {{> refunds_of_kind}}
                 JOIN order_timeout_shop_{{kind}} AS target ON target.{{id}} = refund.account_id) AS refund
     ORDER BY refund.account_id, refund.order_id, refund.target_id{{/ledger.balance}};

{{/ledger}}
{{#floor}}
    INSERT INTO order_timeout_finding (order_id, kind, target_id, what, amount, other_amount, opened_at)
    SELECT short.order_id, '{{kind}}', short.target_id, 'below_floor', short.amount, short.before_amount, p_now
      FROM (SELECT /*+ JOIN_FIXED_ORDER() */ given.order_id, given.target_id, given.amount, COALESCE(target.{{amount_column}}, 0) AS before_amount
              FROM (SELECT /*+ JOIN_FIXED_ORDER() */ refund.order_id, refund.target_id, refund.account_id,
                           SUM(refund.amount) OVER (PARTITION BY refund.account_id) AS amount,
                           ROW_NUMBER() OVER (PARTITION BY refund.account_id ORDER BY refund.order_id, refund.target_id) AS nth
                      FROM {{> refunds_of_kind}}) AS given
              JOIN order_timeout_shop_{{kind}} AS target ON target.{{id}} = given.account_id
             WHERE given.nth = 1 AND CAST(COALESCE(target.{{amount_column}}, 0) AS SIGNED) - given.amount < {{floor}}) AS short
        ON DUPLICATE KEY UPDATE amount = short.amount, other_amount = short.before_amount, settled_at = NULL, opened_at = p_now;

{{/floor}}
    -- UPDATE changes a row once, however often it is joined: the sum for each row comes first.
    UPDATE /*+ {{> callers_session}} JOIN_FIXED_ORDER() */
           (SELECT /*+ JOIN_FIXED_ORDER() */
                   refund.account_id, SUM(refund.amount) AS amount, MIN(refund.keeps_state) AS keeps_state
              FROM {{> refunds_of_kind}}
             GROUP BY refund.account_id
           ) AS given
      LEFT JOIN order_timeout_shop_{{kind}} AS target ON target.{{id}} = given.account_id
       SET {{#changes}}target.{{column}} = {{value}}{{^last}},
           {{/last}}{{/changes}}
     WHERE target.{{id}} IS NOT NULL OR order_timeout_row_gone('{{kind}}', given.account_id);
{{/shared}}
{{/journal}}
END$$
DELIMITER ;
