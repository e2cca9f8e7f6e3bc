DROP PROCEDURE IF EXISTS preview_expired_orders;
DELIMITER $$
CREATE PROCEDURE preview_expired_orders (
    IN p_limit INT
)
    COMMENT 'Description: shows what the next sweep would do, and does nothing: it picks the orders as the sweep does and reads the same
amounts. Locks nothing; an order that somebody holds locked is listed, though the sweep would leave it to the run after.
Parameters: p_limit: at most so many orders, 1 to 100000.
Result: a row per order, oldest first: order_id, user_id, source_type, created_at, overdue_seconds, coupon_refund, points_refund (minor
units), returned (JSON: kind to amount, as texts), clock.
Errors: 50004 p_limit is NULL or out of range; 50003 the setting is lost; 50006 the clock was changed.
Example: CALL preview_expired_orders(100)'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
{{> distrust_session}}
    CALL order_timeout_require_number('p_limit', p_limit, 1, 100000);
    DO order_timeout_now();
    SELECT /*+ {{> callers_session}} */
           CAST(due.order_id AS SIGNED) AS order_id, CAST(due.user_id AS SIGNED) AS user_id, due.source_type, due.created_at,
           TIMESTAMPDIFF(SECOND, due.due_from, due.cutoff) AS overdue_seconds,
           {{#coupon_kind}}of_coupon.amount{{/coupon_kind}}{{^coupon_kind}}0{{/coupon_kind}} AS coupon_refund,
           {{#points_kind}}of_points.amount{{/points_kind}}{{^points_kind}}0{{/points_kind}} AS points_refund,
           JSON_OBJECT({{#rules}}'{{kind}}', CAST(of_{{kind}}.amount AS CHAR){{^last}}, {{/last}}{{/rules}}) AS returned,
           '{{clock}}' AS clock
      FROM (SELECT head.*, type.cutoff
              FROM order_timeout_type AS type
              JOIN LATERAL (SELECT o.order_id, o.user_id, o.source_type, o.created_at, o.due_from
                              FROM order_timeout_shop_pending AS o
                              LEFT JOIN order_timeout_hold AS hold FORCE INDEX (PRIMARY) ON hold.order_id = o.order_id
                              LEFT JOIN order_timeout_failure AS failure FORCE INDEX (PRIMARY) ON failure.order_id = o.order_id
                             WHERE o.source_type <=> type.source_type
                               AND o.due_from >= {{orders.least}}
                               AND o.due_from < type.cutoff
                               AND (hold.held_until IS NULL OR hold.held_until <= SYSDATE(3))
                               AND (failure.order_id IS NULL OR failure.retry_at <= SYSDATE(3))
                             ORDER BY o.due_from, o.order_id
                             LIMIT p_limit) AS head
             ORDER BY head.due_from, head.order_id
             LIMIT p_limit) AS due
{{#rules}}
      JOIN LATERAL (SELECT CAST(COALESCE(SUM(money.refundable), 0) AS SIGNED) AS amount
                      FROM order_timeout_money_{{kind}} AS money
                     WHERE money.order_id = due.order_id) AS of_{{kind}}
{{/rules}}
     ORDER BY due.due_from, due.order_id;
END$$
DELIMITER ;
