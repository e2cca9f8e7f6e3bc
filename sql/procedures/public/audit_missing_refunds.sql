DROP PROCEDURE IF EXISTS audit_missing_refunds;
DELIMITER $$
CREATE PROCEDURE audit_missing_refunds (
    IN p_since DATETIME(3)
)
    COMMENT 'Description: lists cancelled orders that never got something back, whoever cancelled them. Locks nothing, and reads
every order, whatever p_since.
What settle_finding() says is dealt with is left out.
repair_missing_refund() gives it back. A kind without a ledger and without rows that name their order cannot be audited:
{{unauditable_kinds}}.
Parameters: p_since: orders created from then on, in the shop''s clock; NULL: all.
Result: order_id, user_id, kind, target_id, taken, returned, missing (minor units), source: where it is known from what was taken.
Errors: 50003 the setting is lost; 50006 the clock was changed.
Example: CALL audit_missing_refunds(''2026-01-01'')'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
{{> distrust_session}}
    DO order_timeout_now();
    SELECT /*+ {{> callers_session}} */ missed.*
      FROM (
{{#auditable}}
            SELECT /*+ JOIN_FIXED_ORDER() */
                   CAST(money.order_id AS SIGNED), money.user_id, money.kind, money.target_id, money.taken, money.returned,
                   money.refundable AS missing, money.source
              FROM order_timeout_shop_order AS o
              JOIN order_timeout_money_{{kind}} AS money ON money.order_id = o.order_id
             WHERE o.status IN ({{orders.cancelled}}) /* cancelled */
               AND (p_since IS NULL OR o.created_at >= p_since)
               AND money.refundable > 0
               AND {{> is_audited}}
               AND {{> is_not_settled}}
             UNION ALL
{{/auditable}}
            SELECT 0, 0, '', 0, 0, 0, 0, '' FROM DUAL WHERE FALSE
           ) AS missed (order_id, user_id, kind, target_id, taken, returned, missing, source)
     ORDER BY missed.order_id, missed.kind, missed.target_id;
END$$
DELIMITER ;
