-- The points that an order took and what came back, by the shop's own tables. They go back to a row that the user can
-- spend: of those valid now (and not dead: what the shop file says in `only`) the one with the lowest id; account_id NULL:
-- there is none. An order returns its points once, to whatever account: target_id is 0.
-- CONCAT() makes the id a text without a collation of its own, so that ref_id is compared in its own.
SELECT o.id AS order_id,
       o.user_id,
       0 AS target_id,
       account.id AS account_id,
       CAST(o.points_amount AS SIGNED) AS taken,
       entry.returned,
       'orders' AS source,
       entry.taken AS ledger_taken,
       entry.unknown_action
  FROM orders AS o FORCE INDEX (PRIMARY)
  JOIN LATERAL (
       SELECT MIN(target.id) AS id
         FROM user_points AS target :index(user_points)
        WHERE target.user_id = o.user_id
          AND (target.valid_end IS NULL OR target.valid_end > SYSDATE(3))
          AND (:only)
       ) AS account
  JOIN LATERAL (
       SELECT CAST(COALESCE(SUM(IF(row_of.points < 0 AND known.meaning = 'take', -row_of.points, 0)), 0)
                   AS SIGNED) AS taken,
              CAST(GREATEST(COALESCE(SUM(CASE WHEN row_of.points > 0
                                              THEN IF(known.meaning <=> 'other', 0, row_of.points)
                                              WHEN known.meaning = 'return' THEN row_of.points
                                              ELSE 0 END), 0), 0) AS SIGNED) AS returned,
              MAX(IF(known.meaning IS NULL, COALESCE(row_of.action, ''), NULL)) AS unknown_action
         FROM user_points_ledger AS row_of :index(user_points_ledger)
         LEFT JOIN order_timeout_ledger_action AS known FORCE INDEX (PRIMARY)
           ON known.kind = 'points'
          AND known.action = CONVERT(COALESCE(row_of.action, '') USING utf8mb4) COLLATE utf8mb4_general_ci
        WHERE row_of.user_id = o.user_id
          AND row_of.ref_table = 'orders'
          AND row_of.ref_id = CONCAT(o.id)
       ) AS entry
 WHERE o.points_amount > 0
