{{^is_id}}
-- Which rows of {{table}} an order leads to for {{kind}}: what is locked before any amount is read.
-- A base table each, without a subquery, so that a locking read through the view locks all that it reads.
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER VIEW order_timeout_reach_{{reach}} AS
{{/is_id}}
{{#is_lines}}
SELECT line.{{line.order}} AS order_id,
       line.{{line.target}} AS account_id
  FROM {{line.table}} AS line FORCE INDEX ({{line.index}})
  JOIN {{orders.table}} AS o FORCE INDEX ({{orders.key}}) ON o.{{orders.id}} = line.{{line.order}}
 WHERE line.{{line.target}} > 0{{#line.only}}
   AND ({{line.only}}){{/line.only}};
{{/is_lines}}
{{#is_by}}
SELECT o.{{orders.id}} AS order_id,
       target.{{id}} AS account_id
  FROM {{orders.table}} AS o FORCE INDEX ({{orders.key}})
  JOIN {{table}} AS target FORCE INDEX ({{index}}) ON {{by}}
 WHERE {{#if}}({{if}}){{/if}}{{^if}}TRUE{{/if}};
{{/is_by}}
