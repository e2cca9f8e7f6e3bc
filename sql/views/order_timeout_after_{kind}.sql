-- What a person should look at in orders that are no longer waiting, as {{kind}}: what was never given back, what was given
-- back for an order that is paid, or pending again, and what must never be. Of what came back the journal speaks: a coupon
-- that was set free no longer says whose it was. kind and target_id are the finding's.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_after_{{kind}} AS
SELECT o.order_id,
       seen.target_id,
       seen.what,
       seen.amount,
       seen.other_amount,
       seen.detail
  FROM order_timeout_shop_order AS o
  JOIN LATERAL (
       SELECT money.target_id AS target_id, 'missing_refund' AS what, money.refundable AS amount, money.taken AS other_amount,
              '' AS detail
         FROM order_timeout_money_{{kind}} AS money
        WHERE money.order_id = o.order_id AND money.refundable > 0 AND money.is_auditable
          AND o.status IN ({{orders.cancelled}})
          AND {{> is_audited}}
        UNION ALL
       SELECT claim.target_id AS target_id, IF(o.status IN ({{orders.paid}}), 'paid_after_refund', 'pending_after_refund') AS what,
              claim.amount AS amount, claim.taken AS other_amount, '' AS detail
         FROM order_timeout_refund AS claim FORCE INDEX (PRIMARY)
        WHERE claim.order_id = o.order_id AND claim.kind = '{{kind}}'
          AND o.status IN ({{orders.paid}}, {{orders.pending}})
        UNION ALL
       SELECT broken.target_id, 'broken_invariant' AS what, MAX(broken.amount) AS amount, 0 AS other_amount,
              LEFT(GROUP_CONCAT(broken.detail ORDER BY broken.detail SEPARATOR '; '), 255) AS detail
         FROM order_timeout_violation_{{kind}} AS broken
        WHERE broken.order_id = o.order_id
        GROUP BY broken.target_id
       ) AS seen;
