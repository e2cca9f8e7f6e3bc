DROP PROCEDURE IF EXISTS order_timeout_note_findings;
DELIMITER $$
CREATE PROCEDURE order_timeout_note_findings (
    IN p_order_ids JSON,
    IN p_now DATETIME(3)
)
    COMMENT 'Description: opens findings of what is to be seen at orders, for a person to look at. One that was settled opens again only if
its amounts have changed. An action that is not known has one finding, with the first order on which it was met.
Parameters: p_order_ids: the orders. p_now: in the shop''s clock.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_paid JSON;

    -- Read without a lock first: in a caller's transaction the INSERT locks what it reads, and mostly there is nothing.
    SELECT /*+ JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(payment.order_id)
      INTO v_paid
      FROM {{> picked}}
      JOIN order_timeout_payment AS payment FORCE INDEX (order_timeout_payment_order)
        ON payment.order_id = picked.order_id AND payment.outcome IN ('accepted', 'paid_elsewhere');
    IF v_paid IS NOT NULL THEN
        INSERT INTO order_timeout_finding (order_id, what, detail, opened_at)
        SELECT /*+ {{> callers_session}} {{> whole_lists}} */ seen.order_id, 'cancelled_after_payment', seen.detail, p_now
          FROM (SELECT /*+ JOIN_FIXED_ORDER() */ payment.order_id, 0 AS amount, 0 AS other_amount,
                       -- The latest first: it is seen to be another one, however long they are.
                       LEFT(GROUP_CONCAT(CONVERT(payment.reference USING utf8mb4) COLLATE utf8mb4_0900_ai_ci
                                         ORDER BY payment.received_at DESC, payment.reference SEPARATOR ', '), 255) AS detail
                  FROM (SELECT DISTINCT paid.order_id FROM JSON_TABLE(v_paid, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS paid) AS listed
                  JOIN order_timeout_payment AS payment FORCE INDEX (order_timeout_payment_order)
                    ON payment.order_id = listed.order_id AND payment.outcome IN ('accepted', 'paid_elsewhere')
                 WHERE EXISTS (SELECT /*+ NO_SEMIJOIN() */ 1 FROM order_timeout_cancellation AS cancellation FORCE INDEX (order_timeout_cancellation_order)
                                WHERE cancellation.order_id = payment.order_id AND cancellation.cancelled_at >= payment.received_at)
                 GROUP BY payment.order_id) AS seen
            ON DUPLICATE KEY UPDATE {{> reopen_finding}};
    END IF;
{{#rules}}
    INSERT INTO order_timeout_finding (order_id, kind, target_id, what, amount, other_amount, detail, opened_at)
    SELECT /*+ {{> callers_session}} */
           seen.order_id, '{{kind}}', seen.target_id, seen.what, seen.amount, seen.other_amount, seen.detail, p_now
      FROM (SELECT /*+ JOIN_FIXED_ORDER() */
                   each_one.order_id, each_one.target_id, each_one.what, each_one.amount, each_one.other_amount, each_one.detail,
                   ROW_NUMBER() OVER (PARTITION BY each_one.what, each_one.detail ORDER BY each_one.order_id, each_one.target_id) AS nth
              FROM {{> picked}}
              JOIN order_timeout_seen_{{kind}} AS each_one ON each_one.order_id = picked.order_id
              LEFT JOIN order_timeout_finding AS known FORCE INDEX (order_timeout_finding_detail)
                ON each_one.what = 'unknown_action' AND known.what = 'unknown_action' AND known.kind = '{{kind}}'
               AND known.detail = each_one.detail AND known.closed_at IS NULL
               AND (known.order_id <> each_one.order_id OR known.target_id <> each_one.target_id)
             WHERE known.id IS NULL) AS seen
     WHERE seen.what <> 'unknown_action' OR seen.nth = 1
        ON DUPLICATE KEY UPDATE {{> reopen_finding}};
{{/rules}}
END$$
DELIMITER ;
