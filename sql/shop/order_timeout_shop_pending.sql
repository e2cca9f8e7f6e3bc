-- Pending orders as the sweep finds them: by the index on ({{orders.index_text}}), oldest first within a type.
-- due_from: the moment from which the timeout counts{{#orders.deadline}}: here the deadline itself{{/orders.deadline}}.
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER VIEW order_timeout_shop_pending AS
SELECT o.{{orders.id}} AS order_id,
       {{orders.owner}} AS user_id,
       {{#orders.type}}o.{{orders.type}}{{/orders.type}}{{^orders.type}}NULL{{/orders.type}} AS source_type,
       o.{{orders.created}} AS created_at,
       o.{{orders.due_from}} AS due_from
  FROM {{orders.table}} AS o FORCE INDEX ({{orders.index}})
 WHERE o.{{orders.status}} = {{orders.pending}} /* pending */
   AND o.{{orders.id}} <= 9223372036854775807{{#orders.paid_at}}
   AND NOT COALESCE(YEAR(o.{{orders.paid_at}}) >= 1000, FALSE){{/orders.paid_at}}{{#orders.only}}
   AND ({{orders.only}}){{/orders.only}};
