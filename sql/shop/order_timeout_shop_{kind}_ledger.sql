{{#ledger}}
-- {{ledger.table}}: where what comes back as {{kind}} is written down, with the shop's own column names.
CREATE OR REPLACE ALGORITHM = MERGE SQL SECURITY DEFINER VIEW order_timeout_shop_{{kind}}_ledger AS
SELECT {{ledger.columns}}
  FROM {{ledger.table}}{{#ledger.index}} FORCE INDEX ({{.}}){{/ledger.index}};
{{/ledger}}
