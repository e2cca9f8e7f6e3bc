-- In one sentence why an order was, or was not, or will be cancelled. The session's time zone is the shop's clock.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_answer AS
SELECT state.order_id,
       CASE WHEN state.verdict = 'cancelled' AND journal.entries + journal.refunds = 0 THEN 'cancelled_elsewhere'
            WHEN state.verdict = 'due' AND failure.order_id IS NOT NULL AND failure.retry_at IS NULL THEN 'set_aside'
            WHEN state.verdict = 'due' AND failure.retry_at > SYSDATE(3) THEN 'will_be_retried'
            WHEN state.verdict = 'due' AND setting.paused THEN 'paused'
            WHEN state.verdict = 'excluded' AND NOT state.status <=> {{orders.pending}} THEN 'not_pending'
            ELSE state.verdict END AS verdict,
       CASE state.verdict
            WHEN 'paid' THEN 'The order is paid: it is not cancelled.'
            WHEN 'cancelled' THEN
                CASE WHEN journal.entries > 0 THEN 'The order was cancelled: see cancellation and refund.'
                     WHEN journal.refunds > 0 THEN CONCAT('The order was cancelled: see refund. The entry in order_timeout_cancellation ',
                                                          'is gone (order_timeout_setting.retention_days).')
                     ELSE CONCAT('The order was cancelled, but the journal has nothing of it: not by this engine, or with nothing to ',
                                 'give back and longer ago than order_timeout_setting.retention_days.') END
            WHEN 'contradictory' THEN IF({{> is_paid}},
                CONCAT('The order is pending and yet has a paid time, ', o.paid_at, ': nobody cancels it. Set its status, or CALL accept_payment().'),
                'The order has no time from which it could be counted: nobody cancels it by timeout.')
            WHEN 'excluded' THEN
                CASE WHEN NOT state.status <=> {{orders.pending}} THEN CONCAT('The order has status ', COALESCE(state.status, 'NULL'), ', which is not pending ({{orders.pending_text}}).')
                     WHEN NOT state.is_enabled THEN CONCAT('Orders of source type ', state.source_type, ' never time out.')
                     ELSE 'The shop file leaves the order out (only).' END
            WHEN 'on_hold' THEN CONCAT('The order is on hold until ', state.held_until, '.')
            WHEN 'not_expired' THEN CONCAT('The order waits for payment until ', state.times_out_at, '.')
            ELSE CASE WHEN failure.order_id IS NOT NULL AND failure.retry_at IS NULL THEN
                          CONCAT('The order was to be cancelled, failed ', failure.attempts, ' times and is set aside: mend the cause (see failure), then CALL retry_failed_order(', state.order_id, ').')
                      WHEN failure.retry_at > SYSDATE(3) THEN
                          CONCAT('The order was to be cancelled and failed; it is tried again after ', failure.retry_at, '.')
                      WHEN setting.paused THEN 'The order is past its time, but the sweep is paused.'
                      ELSE 'The order is past its time: the next sweep cancels it.' END END AS detail
  FROM order_timeout_state AS state
  JOIN order_timeout_shop_order AS o ON o.order_id = state.order_id
  JOIN order_timeout_setting AS setting
  LEFT JOIN order_timeout_failure AS failure FORCE INDEX (PRIMARY) ON failure.order_id = state.order_id
  JOIN LATERAL (SELECT (SELECT COUNT(*) FROM order_timeout_cancellation WHERE order_id = state.order_id) AS entries,
                       (SELECT COUNT(*) FROM order_timeout_refund WHERE order_id = state.order_id AND cause <> 'repair') AS refunds
       ) AS journal;
