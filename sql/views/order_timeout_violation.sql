-- What must never be, one row each: empty in a sound shop, whatever faults it has seen. Reads the whole journal; the
-- reconciliation asks the same of the orders that it looks at.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_violation AS
{{#rules}}
SELECT invariant, order_id, detail FROM order_timeout_violation_{{kind}}
 UNION ALL
{{#owes}}
SELECT 'owed' AS invariant, MIN(refund.order_id) AS order_id,
       CONCAT('{{kind}}, row ', owed.account_id, ', batch ', owed.batch_id, ': ', owed.amount, ' owed of ', COALESCE(SUM(refund.amount), 0)) AS detail
  FROM order_timeout_owed AS owed
  LEFT JOIN order_timeout_refund AS refund
    ON refund.batch_id = owed.batch_id AND refund.kind = '{{kind}}' AND refund.account_id = owed.account_id
 WHERE owed.kind = '{{kind}}'
 GROUP BY owed.account_id, owed.batch_id, owed.amount
HAVING owed.amount <> COALESCE(SUM(refund.amount), 0)
 UNION ALL
{{/owes}}
{{/rules}}
SELECT 'journal' AS invariant, order_id, CONCAT(COUNT(*), ' entries for one cancellation, at ', cancelled_at) AS detail
  FROM order_timeout_cancellation
 GROUP BY order_id, cancelled_at
HAVING COUNT(*) > 1;
