DROP PROCEDURE IF EXISTS read_cancellations;
DELIMITER $$
CREATE PROCEDURE read_cancellations (
    IN p_after_position BIGINT,
    IN p_after_order_id BIGINT,
    IN p_limit INT
)
    COMMENT 'Description: reads the journal as a feed: every cancellation once, in an order in which nothing later appears behind the reader.
Batches get their position here, one reader at a time, after they are committed: so a position is never overtaken.
Parameters: p_after_position, p_after_order_id: of the last row that was read; 0 and 0: from the beginning. p_limit: 1 to 10000.
Result: position, order_id, user_id, source_type, cause, run_id, coupon_refunded, points_refunded (minor units), findings (JSON array
of what was found then, see list_findings(); NULL: nothing), cancelled_at (in the shop''s clock), returned (JSON: kind to amount, as
texts), clock.
Errors: 50002 called inside a transaction; 50004 a parameter is NULL or out of range, or the position is one of the future;
50005 another reader did not end within 10 seconds: call again.
Example: CALL read_cancellations(0, 0, 1000)'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_last_position BIGINT UNSIGNED;

    CALL order_timeout_require_none_open('read_cancellations');
{{> distrust_session}}
    COMMIT AND NO CHAIN NO RELEASE;
    CALL order_timeout_require_number('p_after_position', p_after_position, 0, 9223372036854775807);
    CALL order_timeout_require_number('p_after_order_id', p_after_order_id, -9223372036854775808, 9223372036854775807);
    CALL order_timeout_require_number('p_limit', p_limit, 1, 10000);
    CALL order_timeout_number_batches(p_after_position);

    -- Where this page ends is read from the index, so that a page is sorted and not all that follows.
    SELECT MAX(page.position)
      INTO v_last_position
      FROM (SELECT /*+ JOIN_FIXED_ORDER() */ batch.position
              FROM order_timeout_batch AS batch FORCE INDEX (order_timeout_batch_position)
              JOIN order_timeout_cancellation AS cancellation FORCE INDEX (PRIMARY) ON cancellation.batch_id = batch.id
             WHERE batch.position >= p_after_position
               AND (batch.position > p_after_position OR cancellation.order_id > p_after_order_id)
             ORDER BY batch.position
             LIMIT p_limit) AS page;

    SELECT batch.position, cancelled.order_id, cancelled.user_id, cancelled.source_type, cancelled.cause,
           cancelled.run_id, cancelled.coupon_refunded, cancelled.points_refunded, found.findings, cancelled.cancelled_at,
           JSON_OBJECT({{#rules}}'{{kind}}', CAST(cancelled.{{kind}}_returned AS CHAR){{^last}}, {{/last}}{{/rules}}) AS returned,
           '{{clock}}' AS clock
      FROM order_timeout_batch AS batch
      JOIN order_timeout_cancelled AS cancelled ON cancelled.batch_id = batch.id
      JOIN LATERAL (SELECT JSON_ARRAYAGG(JSON_OBJECT('kind', finding.kind, 'target_id', CAST(finding.target_id AS CHAR),
                                                     'what', finding.what)) AS findings
                      FROM order_timeout_finding AS finding
                     WHERE finding.order_id = cancelled.order_id
                       -- They are noted just after the settlement.
                       AND finding.opened_at BETWEEN cancelled.cancelled_at AND cancelled.cancelled_at + INTERVAL 10 SECOND) AS found
     WHERE batch.position BETWEEN p_after_position AND v_last_position
       AND (batch.position > p_after_position OR cancelled.order_id > p_after_order_id)
     ORDER BY batch.position, cancelled.order_id
     LIMIT p_limit;
    -- With autocommit off that look has begun a transaction.
    COMMIT AND NO CHAIN NO RELEASE;
END$$
DELIMITER ;
