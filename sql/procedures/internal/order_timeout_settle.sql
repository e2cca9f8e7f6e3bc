DROP PROCEDURE IF EXISTS order_timeout_settle;
DELIMITER $$
CREATE PROCEDURE order_timeout_settle (
    IN p_order_ids JSON,
    IN p_reached INT,
    IN p_cause VARCHAR(16) CHARACTER SET ascii,
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4,
    IN p_run_id BIGINT UNSIGNED,
    IN p_now DATETIME(3),
    OUT p_batch_id BIGINT UNSIGNED,
    OUT p_returned JSON,
    OUT p_to_look_at BOOLEAN
)
    COMMENT 'Description: gives back what orders took, and closes them: the one way in which an order is cancelled or repaired.
Always part of one statement: called by order_timeout_settle_order() and order_timeout_settle_orders() only.
Parameters: p_order_ids: the orders, locked with all rows that they lead to. p_reached: how many rows these are, of the kinds
with a key for each. p_cause: timeout, user, admin, or repair of orders that are cancelled. p_remark: for the journal and the
ledgers. p_run_id: order_timeout_run.id or NULL. p_now: in the shop''s clock. p_batch_id: order_timeout_batch.id.
p_returned: {kind: amount}, of every kind. p_to_look_at: 1: order_timeout_note_findings() may find something. It is called after
the settlement: its views would be opened for each, and what it finds is found later too.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_claimed INT;
    DECLARE v_met INT;
    DECLARE v_without_account JSON;
{{#rules}}
    DECLARE v_of_{{kind}} BIGINT;
{{/rules}}

    -- An id 0, by SET insert_id = 0, is not told: an earlier one of the session would be, which it can set as well.
    DO LAST_INSERT_ID(0);
    INSERT INTO order_timeout_batch (cause, remark, called_by, run_id, created_at)
    VALUES (p_cause, p_remark, USER(), p_run_id, p_now);
    SET p_batch_id = LAST_INSERT_ID();
    IF p_batch_id = 0 THEN
        CALL order_timeout_refuse_insert_id();
    END IF;

    -- All kinds claim before any gives: a row that one changes may be what another reads.
    CALL order_timeout_claim(p_batch_id, p_order_ids, p_cause, p_now);
    SELECT /*+ {{> callers_session}} {{> whole_lists}} JOIN_FIXED_ORDER() */
{{#rules}}
           COALESCE(SUM(IF(refund.kind = '{{kind}}' AND refund.batch_id = p_batch_id{{^open}} AND refund.account_id <> 0{{/open}}, refund.amount, 0)), 0),
{{/rules}}
           COALESCE(SUM(refund.batch_id = p_batch_id AND refund.kind IN ({{counted_kinds}}) AND refund.account_id <> 0), 0),
           COALESCE(SUM((refund.batch_id <> p_batch_id AND p_cause <> 'repair') OR (refund.ledger_taken > 0 AND refund.ledger_taken <> refund.taken)), 0),
           CONCAT('[', GROUP_CONCAT(IF(refund.account_id = 0 AND refund.batch_id = p_batch_id, refund.order_id, NULL)), ']')
      INTO {{#rules}}v_of_{{kind}}, {{/rules}}v_claimed, v_met, v_without_account
      FROM {{> picked}}
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY) ON refund.order_id = picked.order_id;
    SET p_returned = JSON_OBJECT({{#rules}}'{{kind}}', v_of_{{kind}}{{^last}}, {{/last}}{{/rules}});

    IF v_without_account IS NOT NULL THEN
        CALL order_timeout_place_claims(p_batch_id, v_without_account, p_now);
    END IF;
{{#rules}}
    IF {{#journal}}v_of_{{kind}} > 0{{/journal}}{{^journal}}p_cause <> 'repair'{{/journal}} THEN
        CALL order_timeout_give_{{kind}}(p_batch_id, p_order_ids, p_remark, p_now);
    END IF;
{{/rules}}
    -- A row that was reached and got nothing may still be held for an order that is gone.
    SET p_to_look_at = v_claimed < p_reached OR v_met > 0;
    IF p_to_look_at THEN
        CALL order_timeout_set_free(p_order_ids, p_now);
    END IF;

    IF p_cause <> 'repair' THEN
        INSERT INTO order_timeout_cancellation (batch_id, order_id, user_id, source_type, cause, run_id, cancelled_at)
        SELECT /*+ {{> callers_session}} JOIN_FIXED_ORDER() */
               p_batch_id, o.order_id, o.user_id, o.source_type, p_cause, p_run_id, p_now
          FROM {{> picked}}
          JOIN order_timeout_shop_order AS o ON o.order_id = picked.order_id;
        UPDATE /*+ {{> callers_session}} JOIN_FIXED_ORDER() */
               {{> picked}}
          JOIN order_timeout_shop_order AS o ON o.order_id = picked.order_id
           SET {{#orders.set}}o.{{column}} = {{value}}{{^last}},
               {{/last}}{{/orders.set}}
         WHERE o.status = {{orders.pending}} /* pending */;
        CALL order_timeout_require_status(p_order_ids, FALSE);
    END IF;
END$$
DELIMITER ;
