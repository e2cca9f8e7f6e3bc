DROP PROCEDURE IF EXISTS order_timeout_cancel;
DELIMITER $$
CREATE PROCEDURE order_timeout_cancel (
    IN p_order_id BIGINT,
    IN p_user_id BIGINT,
    IN p_cause VARCHAR(16) CHARACTER SET ascii,
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4
)
    COMMENT 'Description: cancels one order and tells what came of it: the one body of cancel_expired_order(), cancel_order() and
cancel_order_as_admin(). Outside a transaction the settlement is a transaction of its own under READ COMMITTED, and a look without
a lock answers first what is not pending; inside one it is part of it.
Parameters: as order_timeout_settle_order().
Result: 1 row: order_id, outcome, coupon_refunded, points_refunded, cancelled_at, expires_at, returned, clock.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_joined BOOLEAN DEFAULT NOT @@SESSION.autocommit;
    DECLARE v_outcome VARCHAR(16) CHARACTER SET ascii;
    DECLARE v_settled JSON;

    IF NOT v_joined THEN
        CALL order_timeout_read_committed(v_joined);
    END IF;
    IF NOT v_joined THEN
        SELECT CASE WHEN COUNT(*) = 0 THEN 'not_found'
                    WHEN p_user_id IS NOT NULL AND NOT MAX(o.user_id) <=> p_user_id THEN 'not_owner'
                    WHEN NOT MAX(o.status <=> {{orders.pending}} /* pending */) THEN 'not_pending' END
          INTO v_outcome
          FROM order_timeout_shop_order AS o
         WHERE o.order_id = p_order_id;
    END IF;
    IF v_outcome IS NULL THEN
        -- Only before a statement that uses it up: it would be the caller's next transaction that has it.
        IF NOT v_joined THEN
            CALL order_timeout_read_committed(v_joined);
        END IF;
        -- SET, not SELECT INTO: in a caller's REPEATABLE READ all reads of a function called by SELECT are of the caller's snapshot.
        SET v_settled = order_timeout_settle_order(p_order_id, p_user_id, p_cause, p_remark);
        SET v_outcome = v_settled ->> '$.outcome';
        IF v_settled -> '$.to_look_at' THEN
            CALL order_timeout_look_after(p_order_id);
        END IF;
    END IF;
    -- A repeated call, after a lost answer, says what the first one did.
    IF v_outcome = 'not_pending' AND NOT v_joined THEN
        SELECT JSON_OBJECT('cancelled_at', cancelled.cancelled_at, 'returned', JSON_OBJECT({{#rules}}'{{kind}}', cancelled.{{kind}}_returned{{^last}}, {{/last}}{{/rules}}),
                           'coupon_refunded', cancelled.coupon_refunded, 'points_refunded', cancelled.points_refunded)
          INTO v_settled
          FROM (SELECT MAX(batch_id) AS batch_id FROM order_timeout_cancellation WHERE order_id = p_order_id) AS latest
          LEFT JOIN order_timeout_cancelled AS cancelled
            ON cancelled.batch_id = latest.batch_id AND cancelled.order_id = p_order_id;
    ELSEIF v_outcome = 'not_pending' THEN
        -- The caller's snapshot may be older than the cancellation: only a locking read sees what is committed.
        SELECT JSON_OBJECT('cancelled_at', MAX(latest.cancelled_at),
                           'returned', JSON_OBJECT({{#rules}}'{{kind}}', COALESCE(SUM(IF(refund.kind = '{{kind}}', refund.amount, 0)), 0){{^last}}, {{/last}}{{/rules}}),
                           'coupon_refunded', COALESCE(SUM(IF(refund.kind = 'coupon' AND refund.source NOT IN ('held', 'named'), refund.amount, 0)), 0),
                           'points_refunded', COALESCE(SUM(IF(refund.kind = 'points', refund.amount, 0)), 0))
          INTO v_settled
          FROM (SELECT batch_id, cancelled_at
                  FROM order_timeout_cancellation
                 WHERE order_id = p_order_id
                 ORDER BY batch_id DESC
                 LIMIT 1
                   FOR SHARE) AS latest
          LEFT JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
            ON refund.order_id = p_order_id AND refund.batch_id = latest.batch_id
           FOR SHARE;
    END IF;

    SELECT p_order_id AS order_id,
           v_outcome AS outcome,
           COALESCE(JSON_VALUE(v_settled, '$.coupon_refunded' RETURNING SIGNED), 0) AS coupon_refunded,
           COALESCE(JSON_VALUE(v_settled, '$.points_refunded' RETURNING SIGNED), 0) AS points_refunded,
           CAST(JSON_VALUE(v_settled, '$.cancelled_at') AS DATETIME(3)) AS cancelled_at,
           CAST(JSON_VALUE(v_settled, '$.expires_at') AS DATETIME(3)) AS expires_at,
           JSON_OBJECT({{#rules}}'{{kind}}', COALESCE(JSON_VALUE(v_settled, '$.returned.{{kind}}'), '0'){{^last}}, {{/last}}{{/rules}}) AS returned,
           '{{clock}}' AS clock;
END$$
DELIMITER ;
