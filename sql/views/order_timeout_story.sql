-- What an answer rests on, step by step: the order, its policy, hold, failure and payments, and what the journal says of it.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_story AS
SELECT state.order_id, 2 AS place, 1 AS nth, 'order' AS step,
       IF(state.status <=> {{orders.pending}}, 'pending', IF(state.verdict = 'excluded', CONCAT('status ', COALESCE(state.status, 'NULL')), state.verdict)) AS verdict,
       CONCAT('Placed at ', COALESCE(state.created_at, 'no known time'), ' by user ', state.user_id{{#orders.type}}, ', source type ',
              COALESCE(state.source_type, 'NULL'){{/orders.type}}, '.') AS detail
  FROM order_timeout_state AS state
 UNION ALL
SELECT state.order_id, 3, 1, 'policy', IF(state.is_enabled, 'times_out', 'excluded'),
       IF(state.is_enabled,
          CONCAT({{#orders.type}}'Source type ', COALESCE(state.source_type, 'NULL'), ' times out{{/orders.type}}{{^orders.type}}'Times out{{/orders.type}}{{#orders.deadline}} at its own deadline',
                 COALESCE(CONCAT(', ', state.times_out_at), ''){{/orders.deadline}}{{^orders.deadline}} after ', state.timeout_minutes, ' minutes',
                 COALESCE(CONCAT(': at ', state.times_out_at), ''){{/orders.deadline}}, '.'),
          CONCAT('Source type ', state.source_type, ' is switched off in order_timeout_policy',
                 COALESCE(CONCAT(': ', NULLIF(policy.remark, '')), ''), '.'))
  FROM order_timeout_state AS state
  LEFT JOIN order_timeout_policy AS policy ON policy.source_type = state.source_type
 UNION ALL
SELECT order_id, 4, 1, 'hold', IF(held_until > SYSDATE(3), 'held', 'over'),
       CONCAT('Held by ', held_by, ' at ', held_at, ' until ', held_until, IF(reason = '', '', CONCAT(': ', reason)), '.')
  FROM order_timeout_hold
 UNION ALL
SELECT failure.order_id, 5, 1, 'failure', IF(failure.retry_at IS NULL, 'set_aside', 'will_be_retried'),
       CONCAT('Failed ', failure.attempts, IF(failure.attempts = 1, ' time', ' times'), ', last at ', failure.last_failed_at,
              ', with error ', failure.error_number, ': ', failure.error_message)
  FROM order_timeout_failure AS failure
  JOIN order_timeout_shop_order AS o ON o.order_id = failure.order_id AND o.status = {{orders.pending}} /* pending */
 UNION ALL
SELECT order_id, 5, received_at + 0, 'payment', outcome,
       CONCAT('Payment ', CONVERT(reference USING utf8mb4) COLLATE utf8mb4_0900_ai_ci, ' was told at ', received_at,
              CASE WHEN to_send_back THEN '; its money is to be sent back: then CALL settle_late_payment()'
                   WHEN settled_at IS NOT NULL THEN CONCAT('; its money was sent back, as said at ', settled_at, IF(remark = '', '', CONCAT(': ', remark)))
                   ELSE '' END, '.')
  FROM order_timeout_payment
 UNION ALL
SELECT cancelled.order_id, 6, cancelled.batch_id, 'cancellation', cancelled.cause,
       CONCAT('Cancelled at ', cancelled.cancelled_at,
              CASE WHEN cancelled.cause = 'timeout' AND cancelled.run_id IS NOT NULL
                   THEN CONCAT(' by the sweep, run ', cancelled.run_id)
                   WHEN cancelled.cause = 'timeout' THEN ' by a call of cancel_expired_order()'
                   WHEN cancelled.cause = 'user' THEN ' by its user'
                   ELSE ' by an admin' END,
              COALESCE(CONCAT(' (account ', batch.called_by, ', remark: ', batch.remark, ')'), ''),
              '. Came back: '{{#rules}}, '{{kind}} ', cancelled.{{kind}}_returned{{^last}}, ', '{{/last}}{{/rules}}, '.')
  FROM order_timeout_cancelled AS cancelled
  LEFT JOIN order_timeout_batch AS batch ON batch.id = cancelled.batch_id
 UNION ALL
SELECT refund.order_id, 7, refund.target_id, 'refund', refund.cause,
       CONCAT(refund.amount, ' ', refund.kind, ' came back to row ', refund.account_id, ' at ', refund.refunded_at,
              '; that it was taken is known from ', refund.source,
              IF(refund.keeps_state, '; the row got its amount and nothing else, as it is held for another order', ''), '.')
  FROM order_timeout_refund AS refund
 UNION ALL
SELECT finding.order_id, 8, finding.id, 'finding', finding.what,
       CONCAT(IF(finding.kind = '', 'The order as such', CONCAT(finding.kind, ' ', finding.target_id, ': ', finding.amount, ' and ', finding.other_amount)),
              IF(finding.detail = '', '', CONCAT(', ', finding.detail)), ', found at ', finding.opened_at,
              CASE WHEN finding.settled_at IS NOT NULL THEN CONCAT('; settled at ', finding.settled_at, IF(finding.remark = '', '', CONCAT(': ', finding.remark)))
                   WHEN finding.closed_at IS NOT NULL THEN CONCAT('; true no longer since ', finding.closed_at)
                   ELSE '; for a person to look at' END, '.')
  FROM order_timeout_finding AS finding;
