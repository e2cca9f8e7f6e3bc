-- What a person should look at in what orders took as {{kind}}, as it is now. A second take: the order was cancelled again
-- after its claim, here or by somebody else; what the shop may have taken anew is not returned automatically.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_seen_{{kind}} AS
SELECT due.order_id,
       due.target_id,
       seen.what,
       seen.amount,
       seen.other_amount,
       seen.detail
  FROM order_timeout_due_{{kind}} AS due
  LEFT JOIN order_timeout_refund AS claim FORCE INDEX (PRIMARY)
    ON claim.order_id = due.order_id AND claim.kind = '{{kind}}' AND claim.target_id = due.target_id
  JOIN LATERAL (
       SELECT 'missing_target' AS what, due.due AS amount, 0 AS other_amount, '' AS detail
         FROM DUAL
        WHERE {{#open}}FALSE{{/open}}{{^open}}due.account_id IS NULL AND claim.order_id IS NULL
          -- What the shop itself cancelled, it may have given back: only where that would be seen is it known to be missing.
          AND EXISTS (SELECT 1 FROM order_timeout_shop_order AS o
                       WHERE o.order_id = due.order_id
                         AND (o.status = {{orders.pending}}
                              OR (o.status IN ({{orders.cancelled}})
                                  AND ({{#is_auditable}}{{> is_audited}}{{/is_auditable}}{{^is_auditable}}FALSE{{/is_auditable}}
                                       OR EXISTS (SELECT 1 FROM order_timeout_cancellation AS ours FORCE INDEX (order_timeout_cancellation_order) WHERE ours.order_id = due.order_id)
                                       -- The journal's entry is purged one day; what is open stays open.
                                       OR EXISTS (SELECT 1 FROM order_timeout_finding AS known
                                                   WHERE known.order_id = due.order_id AND known.kind = '{{kind}}' AND known.target_id = due.target_id
                                                     AND known.what = 'missing_target' AND known.closed_at IS NULL))))){{/open}}
        UNION ALL
       SELECT 'ledger_differs', due.taken, due.ledger_taken, '' AS detail
         FROM DUAL
        WHERE due.ledger_taken > 0 AND due.ledger_taken <> due.taken AND claim.order_id IS NULL
        UNION ALL
       SELECT 'ledger_differs', claim.taken, claim.ledger_taken, '' AS detail
         FROM DUAL
        WHERE claim.ledger_taken > 0 AND claim.ledger_taken <> claim.taken
        UNION ALL
       SELECT 'duplicate_rows', due.taken, due.copies, '' AS detail
         FROM DUAL
        WHERE due.copies > 1
        UNION ALL
       SELECT 'unknown_action', due.taken, due.returned, LEFT(due.unknown_action, 255) AS detail
         FROM DUAL
        WHERE due.unknown_action IS NOT NULL
        UNION ALL
       -- Where no ledger tells one take from another, the time does: what was settled once says nothing of the next one.
       SELECT 'second_take', claim.amount, COALESCE(due.ledger_taken, 0), IF(due.ledger_taken > 0, '', COALESCE(CONCAT('cancelled again at ', again.cancelled_at), 'held again')) AS detail
         FROM (SELECT MAX(cancellation.cancelled_at) AS cancelled_at
                 FROM order_timeout_cancellation AS cancellation FORCE INDEX (order_timeout_cancellation_order)
                WHERE cancellation.order_id = claim.order_id AND cancellation.batch_id > claim.batch_id) AS again
        WHERE again.cancelled_at IS NOT NULL{{#is_released}}
           -- Or somebody else cancelled it, and the row is held for it again.
           OR EXISTS (SELECT 1 FROM order_timeout_shop_order AS o WHERE o.order_id = claim.order_id AND o.status IN ({{orders.cancelled}})){{/is_released}}{{#tells.ledger_taken}}
           -- Or somebody else cancelled it, and did not give back what the ledger says was taken since.
           OR (due.ledger_taken > COALESCE(claim.ledger_taken, 0) AND due.ledger_taken > due.returned
               AND EXISTS (SELECT 1 FROM order_timeout_shop_order AS o WHERE o.order_id = claim.order_id AND o.status IN ({{orders.cancelled}}))){{/tells.ledger_taken}}
        UNION ALL
       -- Where there is a ledger, what is due is what is left beside the claim. Of another user, as when accounts were merged, the
       -- ledger may not show the claim.
       SELECT 'short', claim.amount, {{#tells.ledger_taken}}claim.amount + due.taken - GREATEST(due.returned, IF(claim.user_id <> due.user_id, claim.amount, 0)){{/tells.ledger_taken}}{{^tells.ledger_taken}}due.due{{/tells.ledger_taken}} AS other_amount, '' AS detail
         FROM DUAL
        WHERE claim.order_id IS NOT NULL AND {{#tells.ledger_taken}}due.taken > GREATEST(due.returned, IF(claim.user_id <> due.user_id, claim.amount, 0)){{/tells.ledger_taken}}{{^tells.ledger_taken}}due.due > claim.amount{{/tells.ledger_taken}}
       ) AS seen;
