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
    DECLARE v_without, v_places JSON;

{{#rules}}
    -- {{kind}}: {{table_text}}
{{#open}}
    -- Another kind may have opened the row just now.
    SELECT /*+ {{> callers_session}} JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(JSON_ARRAY(refund.order_id, refund.target_id))
      INTO v_without
      FROM {{> refunds_of_kind}} AND refund.account_id = 0
      JOIN order_timeout_due_{{kind}} AS due
        ON due.order_id = refund.order_id AND due.target_id = refund.target_id AND due.account_id IS NULL;
    INSERT INTO order_timeout_shop_{{kind}} ({{open.columns}})
    SELECT /*+ {{> callers_session}} JOIN_FIXED_ORDER() */ DISTINCT {{open.values}}
      FROM JSON_TABLE(COALESCE(v_without, '[]'), '$[*]' COLUMNS (order_id BIGINT PATH '$[0]', target_id BIGINT PATH '$[1]')) AS without
      JOIN order_timeout_refund AS due FORCE INDEX (PRIMARY)
        ON due.order_id = without.order_id AND due.kind = '{{kind}}' AND due.target_id = without.target_id;
    -- An UPDATE that joined the shop's rows would wait for those that another call has just opened.
    SELECT /*+ {{> callers_session}} JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(JSON_ARRAY(refund.order_id, refund.target_id, due.account_id))
      INTO v_places
      FROM {{> refunds_of_kind}} AND refund.account_id = 0
      JOIN order_timeout_due_{{kind}} AS due ON due.order_id = refund.order_id AND due.target_id = refund.target_id;
    UPDATE /*+ {{> callers_session}} JOIN_FIXED_ORDER() */
           JSON_TABLE(COALESCE(v_places, '[]'), '$[*]' COLUMNS (order_id BIGINT PATH '$[0]', target_id BIGINT PATH '$[1]',
                                                                account_id BIGINT PATH '$[2]')) AS place
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
        ON refund.order_id = place.order_id AND refund.kind = '{{kind}}' AND refund.target_id = place.target_id
       SET refund.account_id = place.account_id;
{{/open}}
{{^open}}
    INSERT INTO order_timeout_finding (order_id, kind, target_id, what, amount, opened_at)
    SELECT /*+ {{> callers_session}} JOIN_FIXED_ORDER() */ refund.order_id, refund.kind, refund.target_id, 'missing_target', refund.amount, p_now
      FROM {{> refunds_of_kind}} AND refund.account_id = 0
        ON DUPLICATE KEY UPDATE closed_at = NULL;
    DELETE /*+ {{> callers_session}} JOIN_FIXED_ORDER() */ refund
      FROM {{> refunds_of_kind}} AND refund.account_id = 0;
{{/open}}
{{/rules}}
END$$
DELIMITER ;
