-- What each order took as {{kind}} and what came back, by the shop's own tables, and so what it is to get back: taken less
-- returned, never below zero and never more than was taken. A NULL of a due view is 0, and so is less than nothing returned;
-- so is the user of an order that is nobody's.
-- account_id: the row that gets it; NULL: there is none. The journal's key decides whether it came back already.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_due_{{kind}} AS
SELECT took.order_id,
       CAST(COALESCE(took.user_id, 0) AS SIGNED) AS user_id,
       took.target_id,
       target.{{id}} AS account_id,
       CAST(COALESCE(took.taken, 0) AS SIGNED) AS taken,
       CAST(GREATEST(COALESCE(took.returned, 0), 0) AS SIGNED) AS returned,
       CAST(GREATEST(COALESCE(took.taken, 0) - GREATEST(COALESCE(took.returned, 0), 0), 0) AS SIGNED) AS due,
       took.source,
       {{#tells.ledger_taken}}took.ledger_taken{{/tells.ledger_taken}}{{^tells.ledger_taken}}NULL{{/tells.ledger_taken}} AS ledger_taken,
       {{#tells.copies}}took.copies{{/tells.copies}}{{^tells.copies}}1{{/tells.copies}} AS copies,
       {{#tells.unknown_action}}CONVERT(took.unknown_action USING utf8mb4) COLLATE utf8mb4_0900_ai_ci{{/tells.unknown_action}}{{^tells.unknown_action}}NULL{{/tells.unknown_action}} AS unknown_action,
       {{#tells.keeps_state}}took.keeps_state{{/tells.keeps_state}}{{^tells.keeps_state}}0{{/tells.keeps_state}} AS keeps_state
  FROM (
{{#is_due}}
{{due_sql}}
{{/is_due}}
{{#is_lines}}
SELECT o.{{orders.id}} AS order_id, o.{{orders.user}} AS user_id, each_target.target_id, each_target.target_id AS account_id,
       each_target.taken, 0 AS returned, 'lines' AS source
  FROM {{orders.table}} AS o FORCE INDEX ({{orders.key}})
  JOIN LATERAL (
       SELECT line.{{line.target}} AS target_id, CAST(SUM(line.{{line.amount}}) AS SIGNED) AS taken
         FROM {{line.table}} AS line FORCE INDEX ({{line.index}})
        WHERE line.{{line.order}} = o.{{orders.id}} AND line.{{line.target}} > 0{{#line.only}} AND ({{line.only}}){{/line.only}}
        GROUP BY line.{{line.target}}
       HAVING SUM(line.{{line.amount}}) > 0
       ) AS each_target
{{/is_lines}}
{{#is_order}}
SELECT o.{{orders.id}} AS order_id, o.{{orders.user}} AS user_id, 0 AS target_id, {{order.target}} AS account_id,
       CAST({{order.amount}} AS SIGNED) AS taken, 0 AS returned, 'order' AS source
  FROM {{orders.table}} AS o FORCE INDEX ({{orders.key}})
 WHERE {{order.amount}} > 0
{{/is_order}}
{{#is_held}}
SELECT o.{{orders.id}} AS order_id, o.{{orders.user}} AS user_id, target.{{id}} AS target_id, target.{{id}} AS account_id,
       1 AS taken, 0 AS returned, 'held' AS source
  FROM {{orders.table}} AS o FORCE INDEX ({{orders.key}})
  JOIN {{table}} AS target FORCE INDEX ({{index}}) ON {{by}}
 WHERE {{#if}}({{if}}){{/if}}{{^if}}TRUE{{/if}}
{{/is_held}}
{{#is_named}}
-- If more orders name a row than there are rows, it is not known whose it is: nobody gets it, and a finding says so.
SELECT o.{{orders.id}} AS order_id, o.{{orders.user}} AS user_id, {{named.target}} AS target_id,
       IF(naming.orders > matching.row_count, NULL, matching.lowest) AS account_id, 1 AS taken, 0 AS returned, 'named' AS source
  FROM {{orders.table}} AS o FORCE INDEX ({{orders.key}})
  JOIN LATERAL (
       SELECT MIN(target.{{id}}) AS lowest, COUNT(*) AS row_count
         FROM {{table}} AS target FORCE INDEX ({{index}})
        WHERE {{by}}{{#if}} AND ({{if}}){{/if}}{{#only}} AND ({{only}}){{/only}}
       ) AS matching
  JOIN LATERAL (
       SELECT 1 + COUNT(*) AS orders
         FROM {{orders.table}} AS other{{#named.index}} FORCE INDEX ({{named.index}}){{/named.index}}
        WHERE {{named.same}} AND other.{{orders.id}} <> o.{{orders.id}} AND other.{{orders.status}} IN ({{orders.pending}}, {{orders.paid}})
       ) AS naming
 WHERE {{named.target}} > 0
{{/is_named}}
       ) AS took
  LEFT JOIN {{table}} AS target FORCE INDEX ({{key}}) ON target.{{id}} = took.account_id{{#only}} AND ({{only}}){{/only}};
