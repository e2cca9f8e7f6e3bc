DROP PROCEDURE IF EXISTS order_timeout_claim;
DELIMITER $$
CREATE PROCEDURE order_timeout_claim (
    IN p_batch_id BIGINT UNSIGNED,
    IN p_order_ids JSON,
    IN p_cause VARCHAR(16) CHARACTER SET ascii,
    IN p_now DATETIME(3)
)
    COMMENT 'Description: writes to the journal what orders are to get back. The primary key (order, kind, target) is the claim:
what has come back once stays as it is. account_id 0: there is no row that could get it, see order_timeout_place_claims().
Parameters: of order_timeout_settle(); p_batch_id: order_timeout_batch.id. A repair is of one order.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
{{#rules}}
{{#journal}}
    DECLARE v_is_known_{{kind}} BOOLEAN DEFAULT p_cause <> 'repair' /* else: what the shop's own cancel gave back */;
{{/journal}}
{{/rules}}

{{#rules}}
{{#journal}}
    -- {{kind}}: {{source_comment}}
{{#is_auditable}}
    IF p_cause = 'repair' THEN
        SET v_is_known_{{kind}} = EXISTS (SELECT /*+ JOIN_FIXED_ORDER() */ 1
                                            FROM {{> picked}}
                                            JOIN order_timeout_shop_order AS o ON o.order_id = picked.order_id
                                           WHERE {{> is_audited}});
    END IF;
{{/is_auditable}}
    IF v_is_known_{{kind}} THEN
        INSERT INTO order_timeout_refund
               (order_id, kind, target_id, batch_id, user_id, account_id, amount, taken, ledger_taken, source, cause,
                keeps_state, refunded_at)
        SELECT /*+ {{> callers_session}} JOIN_FIXED_ORDER() */
               due.order_id, '{{kind}}', due.target_id, p_batch_id, due.user_id, COALESCE(due.account_id, 0), due.due, due.taken,
               due.ledger_taken, due.source, p_cause, due.keeps_state, p_now
          FROM {{> picked}}
          JOIN order_timeout_due_{{kind}} AS due ON due.order_id = picked.order_id
         WHERE due.due > 0
{{#is_auditable}}
           -- A repair gives nothing of which somebody has said that it was given in another way.
           AND NOT (p_cause = 'repair'
                    AND EXISTS (SELECT 1 FROM order_timeout_finding AS settled
                                 WHERE settled.order_id = due.order_id AND settled.kind = '{{kind}}' AND settled.target_id = due.target_id
                                   AND settled.amount = due.due AND {{> settled_as_given}}))
{{/is_auditable}}
            -- Two rows of one key in one batch are a due view's mistake: NULL is refused (1048), nothing of either gets lost.
            ON DUPLICATE KEY UPDATE batch_id = IF(order_timeout_refund.batch_id = p_batch_id, NULL, order_timeout_refund.batch_id);
    END IF;
{{/journal}}
{{/rules}}
END$$
DELIMITER ;
