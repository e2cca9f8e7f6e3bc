-- Each cancellation of the journal with what came back: the sums of its refunds, and what was found then.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_cancelled AS
SELECT cancellation.batch_id,
       cancellation.order_id,
       cancellation.user_id,
       cancellation.source_type,
       cancellation.cause,
       cancellation.run_id,
{{#rules}}
       given.{{kind}}_returned,
{{/rules}}
       given.coupon_refunded,
       given.points_refunded,
       cancellation.cancelled_at
  FROM order_timeout_cancellation AS cancellation
  JOIN LATERAL (
       SELECT {{#rules}}CAST(COALESCE(SUM(IF(refund.kind = '{{kind}}', refund.amount, 0)), 0) AS SIGNED) AS {{kind}}_returned,
              {{/rules}}CAST(COALESCE(SUM(IF(refund.kind = 'coupon' AND refund.source NOT IN ('held', 'named'), refund.amount, 0)), 0) AS SIGNED) AS coupon_refunded,
              CAST(COALESCE(SUM(IF(refund.kind = 'points', refund.amount, 0)), 0) AS SIGNED) AS points_refunded
         FROM order_timeout_refund AS refund FORCE INDEX (PRIMARY)
        WHERE refund.order_id = cancellation.order_id
          AND refund.batch_id = cancellation.batch_id
       ) AS given;
