DROP PROCEDURE IF EXISTS order_timeout_set_free;
DELIMITER $$
CREATE PROCEDURE order_timeout_set_free (
    IN p_order_ids JSON,
    IN p_now DATETIME(3)
)
    COMMENT 'Description: sets free what is still held for orders that are being cancelled, and for which nothing came back.
No amount changes, so nothing is written to a ledger.
Parameters: of order_timeout_settle().'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
{{#reaches}}
{{#free}}
    -- {{kind}}: {{table_text}}
    UPDATE /*+ {{> callers_session}} JOIN_FIXED_ORDER() */
           {{> picked}}
      JOIN order_timeout_shop_order AS o ON o.order_id = picked.order_id
{{#is_id}}
      JOIN order_timeout_shop_{{kind}} AS target ON target.{{id}} = {{value}}
{{/is_id}}
{{^is_id}}
      JOIN order_timeout_reach_{{reach}} AS reached ON reached.order_id = picked.order_id
      JOIN order_timeout_shop_{{kind}} AS target ON target.{{id}} = reached.account_id
{{/is_id}}
       SET {{#set}}target.{{column}} = {{value}}{{^last}}, {{/last}}{{/set}}
     WHERE {{free}};
{{/free}}
{{/reaches}}
END$$
DELIMITER ;
