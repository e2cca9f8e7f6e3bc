DROP PROCEDURE IF EXISTS order_timeout_reconcile_orders;
DELIMITER $$
CREATE PROCEDURE order_timeout_reconcile_orders (
    IN p_order_ids JSON,
    IN p_now DATETIME(3),
    OUT p_error_number INT,
    OUT p_error_message VARCHAR(512) CHARACTER SET utf8mb4
)
    COMMENT 'Description: looks at orders as they are now: opens findings of what a person has to look at, and closes those that are true no
longer. A second take, a short refund, a row below its floor, what was owed to a row that was gone, or not given without it where no
repair would, and a cancellation after a payment are over only when a person says so.
Parameters: p_order_ids: the orders. p_now: in the shop''s clock, which is the session''s time zone. p_error_number,
p_error_message: NULL, or why nothing was done.
Errors: 1205 and 1213 lock conflicts; the query was killed (1317), the server shuts down (1053), a fault of the server or of the deployment.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_over JSON;
    DECLARE EXIT HANDLER FOR 1205, 1213, 1317, 1053
    BEGIN
        ROLLBACK AND NO CHAIN NO RELEASE;
        RESIGNAL;
    END;
    DECLARE EXIT HANDLER FOR {{> any_error}}
    BEGIN
{{> tell_error}}
    END;

    -- Reads no shop row with a lock.
    COMMIT AND NO CHAIN NO RELEASE;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION READ WRITE;
    INSERT INTO order_timeout_finding (order_id, kind, target_id, what, amount, other_amount, opened_at)
    SELECT /*+ {{> session}} JOIN_FIXED_ORDER() */ seen.order_id, '', 0, 'contradictory', 0, seen.other_amount, p_now
      FROM (SELECT /*+ JOIN_FIXED_ORDER() */ state.order_id, 0 AS amount, 0 AS other_amount, '' AS detail
              FROM {{> picked}}
              JOIN order_timeout_state AS state ON state.order_id = picked.order_id AND state.verdict = 'contradictory') AS seen
        ON DUPLICATE KEY UPDATE {{> reopen_finding}};
    SELECT /*+ {{> session}} JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(finding.id)
      INTO v_over
      FROM {{> picked}}
      JOIN order_timeout_finding AS finding ON finding.order_id = picked.order_id AND finding.what IN ('contradictory', 'unreadable') AND finding.closed_at IS NULL
      LEFT JOIN order_timeout_state AS state
        ON state.order_id = picked.order_id AND state.verdict = 'contradictory' AND finding.what = 'contradictory'
     WHERE state.order_id IS NULL;
    CALL order_timeout_close_findings(v_over, p_now);
    CALL order_timeout_note_findings(p_order_ids, p_now);
{{#rules}}
    -- {{kind}}
    INSERT INTO order_timeout_finding (order_id, kind, target_id, what, amount, other_amount, detail, opened_at)
    SELECT /*+ {{> session}} {{> whole_lists}} JOIN_FIXED_ORDER() */ seen.order_id, '{{kind}}', seen.target_id, seen.what, seen.amount, seen.other_amount, seen.detail, p_now
      FROM {{> picked}}
      JOIN order_timeout_after_{{kind}} AS seen ON seen.order_id = picked.order_id
        ON DUPLICATE KEY UPDATE {{> reopen_finding}};
    SELECT /*+ {{> session}} {{> whole_lists}} JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(finding.id)
      INTO v_over
      FROM {{> picked}}
      -- An order that is gone, as into the shop's archive, says nothing.
      JOIN order_timeout_shop_order AS o ON o.order_id = picked.order_id
      JOIN order_timeout_finding AS finding
        ON finding.order_id = picked.order_id AND finding.kind = '{{kind}}' AND finding.closed_at IS NULL
       AND finding.what IN ('missing_refund', 'paid_after_refund', 'pending_after_refund', 'missing_target', 'ledger_differs',
                            'unknown_action', 'duplicate_rows', 'broken_invariant')
      LEFT JOIN order_timeout_after_{{kind}} AS after
        ON after.order_id = finding.order_id AND after.target_id = finding.target_id AND after.what = finding.what
      LEFT JOIN order_timeout_seen_{{kind}} AS seen
        ON seen.order_id = finding.order_id AND seen.target_id = finding.target_id AND seen.what = finding.what
       AND seen.detail = finding.detail
      LEFT JOIN order_timeout_refund AS claim FORCE INDEX (PRIMARY)
        ON claim.order_id = finding.order_id AND claim.kind = finding.kind AND claim.target_id = finding.target_id
     WHERE after.order_id IS NULL AND seen.order_id IS NULL
       -- What was claimed and then owed to a row that was gone is lost, whatever is there now.
       AND NOT (finding.what = 'missing_target' AND COALESCE(claim.refunded_at <= finding.opened_at, FALSE))
       -- What was cancelled here without its row no repair gives where nothing is audited, should the row come back.
       AND NOT (finding.what = 'missing_target' AND claim.order_id IS NULL AND o.status IN ({{orders.cancelled}}){{#is_auditable}} AND NOT {{> is_audited}}{{/is_auditable}}
                AND EXISTS (SELECT 1 FROM order_timeout_cancellation AS ours FORCE INDEX (order_timeout_cancellation_order) WHERE ours.order_id = o.order_id));
    CALL order_timeout_close_findings(v_over, p_now);
{{/rules}}
    COMMIT AND NO CHAIN NO RELEASE;
END$$
DELIMITER ;
