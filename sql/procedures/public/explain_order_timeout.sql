DROP PROCEDURE IF EXISTS explain_order_timeout;
DELIMITER $$
CREATE PROCEDURE explain_order_timeout (
    IN p_order_id BIGINT
)
    COMMENT 'Description: tells in plain words why an order was, or was not, or will be cancelled, and what came back. Locks nothing.
Parameters: p_order_id: the order''s id.
Result: step, verdict, detail: first the answer, then what it rests on.
Steps: answer, order, policy, hold, failure, payment, cancellation, refund, finding, refundable, missing, owed.
Errors: 50001 p_order_id is NULL or not positive; 50003 order_timeout_setting has lost its row; 50006 the clock was changed.
Example: CALL explain_order_timeout(28229)'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
{{> distrust_session}}
    CALL order_timeout_require_id('p_order_id', p_order_id);
    DO order_timeout_now();
    SELECT /*+ {{> callers_session}} */ told.step, told.verdict, told.detail
      FROM (SELECT 1 AS place, 1 AS nth, 'answer' AS step, COALESCE(MAX(verdict), 'not_found') AS verdict,
                   COALESCE(MAX(detail), CONCAT('There is no order ', p_order_id, '.')) AS detail
              FROM order_timeout_answer
             WHERE order_id = p_order_id
             UNION ALL
            SELECT place, nth, step, verdict, detail
              FROM order_timeout_story
             WHERE order_id = p_order_id
{{#rules}}
             UNION ALL
            SELECT 9, money.target_id,
                   CASE WHEN money.owed > 0 THEN 'owed' WHEN o.status = {{orders.pending}} THEN 'refundable' ELSE 'missing' END,
                   '{{kind}}',
                   CASE WHEN money.owed > 0 THEN CONCAT(money.owed, ' {{kind}} is claimed for row ', money.account_id, ': the next sweep gives it.')
                        WHEN o.status = {{orders.pending}} THEN CONCAT(money.refundable, ' {{kind}} comes back when the order is cancelled',
                            COALESCE(CONCAT(', to row ', money.account_id), ''), ', known from ', money.source, '.')
                        ELSE CONCAT(money.refundable, ' {{kind}} never came back: CALL repair_missing_refund(', p_order_id, ').') END
              FROM order_timeout_money_{{kind}} AS money
              JOIN order_timeout_shop_order AS o ON o.order_id = money.order_id
             WHERE money.order_id = p_order_id
               AND (money.owed > 0 OR (money.refundable > 0
                    AND (o.status = {{orders.pending}} OR (o.status IN ({{orders.cancelled}}) AND money.is_auditable AND {{> is_audited}}
                         AND {{> is_not_settled}}))))
{{/rules}}
           ) AS told
     ORDER BY told.place, told.step, told.nth;
END$$
DELIMITER ;
