-- What the next sweep would cancel, type by type, counted no further than 10000 each.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW order_timeout_backlog AS
SELECT type.source_type,
       head.due_orders,
       TIMESTAMPDIFF(SECOND, head.oldest, type.cutoff) AS overdue_seconds
  FROM order_timeout_type AS type
  JOIN LATERAL (
       SELECT COUNT(*) AS due_orders, MIN(oldest.due_from) AS oldest
         FROM (SELECT o.due_from
                 FROM order_timeout_shop_pending AS o
                 LEFT JOIN order_timeout_hold AS hold FORCE INDEX (PRIMARY) ON hold.order_id = o.order_id
                 LEFT JOIN order_timeout_failure AS failure FORCE INDEX (PRIMARY) ON failure.order_id = o.order_id
                WHERE o.source_type <=> type.source_type
                  AND o.due_from >= {{orders.least}}
                  AND o.due_from < type.cutoff
                  AND (hold.held_until IS NULL OR hold.held_until <= SYSDATE(3))
                  AND (failure.order_id IS NULL OR failure.retry_at <= SYSDATE(3))
                ORDER BY o.due_from, o.order_id
                LIMIT 10000) AS oldest
       ) AS head;
