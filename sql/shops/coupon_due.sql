-- What each coupon of an order was taken for and what came back, by the shop's own tables: orders.coupon_id and each
-- row of order_coupons, once each. taken: order_coupons says it (of two rows the larger), else the ledger's takes do.
-- returned: every positive ledger row but those of an action that means "other"; a return that was taken back lessens it.
-- ledger_taken, copies, unknown_action: for the findings.
-- keeps_state: the coupon is held (4) for another pending order: it gets its balance, and stays held.
-- LATERAL keeps the work to the orders that a query joins with. + 0 keeps an index on the coupon out of it: a coupon
-- can have any number of ledger rows, an order has a few.
SELECT o.id AS order_id,
       o.user_id,
       named.coupon_id AS target_id,
       named.coupon_id AS account_id,
       IF(named.applied > 0, named.applied, entry.taken) AS taken,
       entry.returned,
       IF(named.applied > 0, 'order_coupons', 'ledger') AS source,
       entry.taken AS ledger_taken,
       named.copies,
       entry.unknown_action,
       holder.id IS NOT NULL AS keeps_state
  FROM orders AS o FORCE INDEX (PRIMARY)
  JOIN LATERAL (
       SELECT each_row.coupon_id,
              CAST(MAX(each_row.applied) AS SIGNED) AS applied,
              COUNT(each_row.line) AS copies
         FROM (SELECT o.coupon_id, NULL AS applied, NULL AS line
                UNION ALL
               SELECT line.user_coupon_id, line.applied_amount, 1
                 FROM order_coupons AS line :index(order_coupons)
                WHERE line.order_id = o.id) AS each_row
        WHERE each_row.coupon_id > 0
        GROUP BY each_row.coupon_id
       ) AS named
  JOIN LATERAL (
       SELECT CAST(COALESCE(SUM(IF(row_of.change_amount < 0 AND known.meaning = 'take', -row_of.change_amount, 0)), 0)
                   AS SIGNED) AS taken,
              CAST(GREATEST(COALESCE(SUM(CASE WHEN row_of.change_amount > 0
                                              THEN IF(known.meaning <=> 'other', 0, row_of.change_amount)
                                              WHEN known.meaning = 'return' THEN row_of.change_amount
                                              ELSE 0 END), 0), 0) AS SIGNED) AS returned,
              MAX(IF(known.meaning IS NULL, COALESCE(row_of.action, ''), NULL)) AS unknown_action
         FROM user_coupon_ledger AS row_of :index(user_coupon_ledger)
         LEFT JOIN order_timeout_ledger_action AS known FORCE INDEX (PRIMARY)
           ON known.kind = 'coupon'
          AND known.action = CONVERT(COALESCE(row_of.action, '') USING utf8mb4) COLLATE utf8mb4_general_ci
        WHERE row_of.order_id = o.id
          AND row_of.user_coupon_id + 0 = named.coupon_id
       ) AS entry
  LEFT JOIN user_coupons AS coupon FORCE INDEX (PRIMARY) ON coupon.id = named.coupon_id
  LEFT JOIN orders AS holder FORCE INDEX (PRIMARY)
    ON holder.id = IF(coupon.status = 4 AND coupon.used_order_id <> o.id, coupon.used_order_id, NULL)
   AND holder.status = 1
