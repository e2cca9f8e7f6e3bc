-- The types that have pending orders and time out, with what is due of each. The row with source_type NULL stands for the
-- orders without one.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_type AS
SELECT present.source_type,
       {{#orders.deadline}}SYSDATE(3){{/orders.deadline}}{{^orders.deadline}}SYSDATE(3) - INTERVAL COALESCE(policy.timeout_minutes, setting.default_timeout_minutes) MINUTE{{/orders.deadline}} AS cutoff
  FROM JSON_TABLE(order_timeout_types(), '$[*]' COLUMNS (source_type BIGINT PATH '$')) AS present
  JOIN order_timeout_setting AS setting
  LEFT JOIN order_timeout_policy AS policy ON policy.source_type = present.source_type
 WHERE COALESCE(policy.enabled, 1);
