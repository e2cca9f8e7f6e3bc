-- Where each order stands, and when it times out: the decision of cancel_expired_order(), as it would be now.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_state AS
SELECT o.order_id,
       o.user_id,
       o.source_type,
       o.status,
       o.created_at,
       hold.held_until,
       COALESCE(policy.enabled, 1) AS is_enabled,
       COALESCE(policy.timeout_minutes, setting.default_timeout_minutes) AS timeout_minutes,
       {{> times_out_at}} AS times_out_at,
       {{> expires_at}} AS expires_at,
       CASE WHEN o.status IN ({{orders.paid}}) THEN 'paid'
            WHEN o.status IN ({{orders.cancelled}}) THEN 'cancelled'
            WHEN NOT o.status <=> {{orders.pending}} THEN 'excluded'
            WHEN {{> is_paid}} THEN 'contradictory'
{{> timeout_verdict}} AS verdict
  FROM order_timeout_shop_order AS o
  JOIN order_timeout_setting AS setting
  LEFT JOIN order_timeout_policy AS policy ON policy.source_type = o.source_type
  LEFT JOIN order_timeout_hold AS hold FORCE INDEX (PRIMARY) ON hold.order_id = o.order_id;
