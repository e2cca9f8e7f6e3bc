-- {{table}}: the rows that get back what an order took as {{kind}}, by their id, with the shop's own column names.{{#only}}
-- A dead row counts as missing, for every statement.{{/only}}
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER VIEW order_timeout_shop_{{kind}} AS
SELECT {{columns}}
  FROM {{table}} AS target FORCE INDEX ({{key}}){{#only}}
 WHERE {{only}}{{/only}};
