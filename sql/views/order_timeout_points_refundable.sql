-- Points of each order that are to come back, less what the journal says has come back already.
-- is_second_take: all came back once, and the shop took anew for the same order, as our journal or a later row of its
-- ledger says: that is for a person to decide.
-- A refund that a half-done call claimed and did not give counts as not come back; one that it gave is not listed.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_points_refundable AS
SELECT due.order_id,
       due.user_id,
       IF(earlier.order_id IS NULL AND due.due > 0, due.taken, due.ledger_taken) AS taken,
       due.returned,
       IF(earlier.order_id IS NULL AND due.due > 0, due.due, due.ledger_taken - due.returned) AS amount,
       IF(earlier.order_id IS NULL AND due.due > 0, due.source, 'ledger') AS source,
       NOT (earlier.order_id IS NULL AND due.due > 0) AS is_second_take
  FROM order_timeout_points_due AS due
  LEFT JOIN (order_timeout_refund AS earlier FORCE INDEX (PRIMARY)
             LEFT JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY) ON batch.id = earlier.batch_id)
    ON earlier.order_id = due.order_id AND earlier.kind = 'points' AND earlier.target_id = due.user_id
       AND COALESCE(batch.settled OR batch.points_given, 1)
 WHERE COALESCE(batch.settled, 1)
   AND IF(earlier.order_id IS NULL AND due.due > 0, due.due, due.ledger_taken - due.returned) > 0
   AND (earlier.order_id IS NOT NULL
        OR due.due > 0
        OR (SELECT /*+ JOIN_INDEX(entry) */
                   MAX(IF(entry.points < 0, entry.id, 0)) > MIN(IF(entry.points > 0, entry.id, NULL))
              FROM user_points_ledger AS entry
             WHERE entry.user_id = due.user_id
               AND entry.ref_table = 'orders'
               AND entry.ref_id = CONCAT(due.order_id)));
