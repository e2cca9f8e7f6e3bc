{{#owes}}
-- Which rows of {{table_text}} there are: read without a lock beside a locking read of the same rows.
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER VIEW order_timeout_present_{{kind}} AS
SELECT target.{{id}} AS account_id
  FROM {{table}} AS target FORCE INDEX ({{key}}){{#only}}
 WHERE {{only}}{{/only}};
{{/owes}}
