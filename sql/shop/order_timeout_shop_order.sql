-- The shop's orders in the engine's terms, reached by their id: every statement that locks, decides on, explains or
-- closes an order goes through here. The columns that a cancellation or a payment sets keep the shop's names.
-- The journal's ids are BIGINT: an UNSIGNED one beyond that is none.
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER VIEW order_timeout_shop_order AS
SELECT o.{{orders.id}} AS order_id,
       {{orders.owner}} AS user_id,
       {{#orders.type}}o.{{orders.type}}{{/orders.type}}{{^orders.type}}NULL{{/orders.type}} AS source_type,
       o.{{orders.status}} AS status,
       o.{{orders.created}} AS created_at,
       {{#orders.deadline}}o.{{orders.deadline}}{{/orders.deadline}}{{^orders.deadline}}NULL{{/orders.deadline}} AS deadline,
       {{#orders.paid_at}}o.{{orders.paid_at}}{{/orders.paid_at}}{{^orders.paid_at}}NULL{{/orders.paid_at}} AS paid_at,
       {{#orders.only}}COALESCE({{orders.only}}, 0){{/orders.only}}{{^orders.only}}1{{/orders.only}} AS is_alive{{#orders.set_columns}},
       o.{{.}}{{/orders.set_columns}}
  FROM {{orders.table}} AS o FORCE INDEX ({{orders.key}})
 WHERE o.{{orders.id}} <= 9223372036854775807;
