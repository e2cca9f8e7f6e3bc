-- What must never be in what came back as {{kind}}, one row each: empty in a sound shop, whatever faults it has seen.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_violation_{{kind}} AS
SELECT broken.invariant,
       refund.order_id,
       refund.target_id,
       refund.amount,
       CONCAT('{{kind}} ', refund.target_id, ': ', broken.what) AS detail
  FROM order_timeout_refund AS refund FORCE INDEX (PRIMARY)
  JOIN LATERAL (
{{#ledger}}
       SELECT IF(entries.found < entries.refunds, 'ledger', 'twice') AS invariant,
              CONCAT(refund.amount, ' given back with ', entries.found, ' rows in the ledger',
                     IF(entries.refunds > 1, CONCAT(' for ', entries.refunds, ' refunds that look alike there'), '')) AS what
         FROM (SELECT (SELECT COUNT(*)
                         FROM {{#ledger.of_user}}(SELECT refund.user_id
                                UNION -- accounts may have been merged since
                               SELECT o.user_id FROM order_timeout_shop_order AS o WHERE o.order_id = refund.order_id) AS holder
                STRAIGHT_JOIN {{/ledger.of_user}}order_timeout_shop_{{kind}}_ledger AS row_of{{#ledger.of_user}} ON {{ledger.of_user}} = holder.user_id{{/ledger.of_user}}
                        WHERE {{ledger.match}}) AS found,
                      -- Two gift cards of one account, of the same amount: a ledger that does not name the card has two such rows, and so
                      -- has one of several kinds that does not name the kind.
                      (SELECT COUNT(*)
                         FROM order_timeout_refund AS alike FORCE INDEX (PRIMARY)
                        WHERE alike.order_id = refund.order_id AND alike.kind IN ({{ledger.kinds}}){{#ledger.told}} AND alike.{{.}} = refund.{{.}}{{/ledger.told}}) AS refunds
              ) AS entries
        WHERE entries.found <> entries.refunds
          AND NOT COALESCE(refund.refunded_at < (SELECT CAST(JSON_VALUE(shop.ledgers, '$.{{kind}}' RETURNING CHAR(32)) AS DATETIME(3)) FROM order_timeout_shop AS shop), FALSE)
        UNION ALL
{{/ledger}}
{{#is_due}}
       SELECT 'excess' AS invariant, CONCAT(due.returned, ' given back of ', GREATEST(due.taken, COALESCE(due.ledger_taken, 0)), ' taken') AS what
         FROM order_timeout_due_{{kind}} AS due
        WHERE due.order_id = refund.order_id AND due.target_id = refund.target_id
          AND due.returned > GREATEST(due.taken, COALESCE(due.ledger_taken, 0))
        UNION ALL
{{/is_due}}
       SELECT 'journal' AS invariant, CONCAT(refund.amount, ' claimed for nobody') AS what
         FROM DUAL
        WHERE refund.account_id = 0
        UNION ALL
       SELECT 'journal' AS invariant, CONCAT(refund.amount, ' given back without a row in order_timeout_cancellation') AS what
         FROM order_timeout_batch AS batch
        WHERE batch.id = refund.batch_id AND batch.cause <> 'repair' AND refund.account_id <> 0
          AND NOT EXISTS (SELECT 1 FROM order_timeout_cancellation AS cancellation
                           WHERE cancellation.batch_id = refund.batch_id AND cancellation.order_id = refund.order_id)
       ) AS broken
 WHERE refund.kind = '{{kind}}';
