DROP FUNCTION IF EXISTS order_timeout_take_payment;
DELIMITER $$
CREATE FUNCTION order_timeout_take_payment (
    p_order_id BIGINT,
    p_reference VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin,
    p_is_recorded BOOLEAN
)
    RETURNS VARCHAR(16) CHARACTER SET ascii
    COMMENT 'Description: records a payment and makes its order paid, under the order''s row lock: one statement.
Parameters: p_order_id: the order. p_reference: the payment''s own id.
p_is_recorded: an earlier call met its record, which an older snapshot does not show.
Result: as accept_payment(). Errors: 1062 the reference has a record that was not seen.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
    -- It is not; with the binary log on, MySQL asks for the word. Rows are logged, not the call.
    DETERMINISTIC
BEGIN
    DECLARE v_stands, v_outcome VARCHAR(16) CHARACTER SET ascii;
    DECLARE v_recorded_order_id BIGINT;
    DECLARE v_count INT;
    -- Called as in the settlement: the shop file's values name it.
    DECLARE p_now DATETIME(3);

    SELECT MAX(CASE WHEN o.status = {{orders.pending}} THEN 'pending' WHEN o.status IN ({{orders.paid}}) THEN 'paid'
                    WHEN o.status IN ({{orders.cancelled}}) THEN 'cancelled' ELSE 'other' END)
      INTO v_stands
      FROM order_timeout_shop_order AS o
     WHERE o.order_id = p_order_id
       FOR UPDATE;
    -- A record stays as it is, so none need be locked: to lock one that is missing would be to lock all those beside it.
    IF p_is_recorded THEN
        SELECT MAX(order_id), MAX(outcome) INTO v_recorded_order_id, v_outcome FROM order_timeout_payment WHERE reference = p_reference FOR SHARE;
    ELSE
        SELECT MAX(order_id), MAX(outcome) INTO v_recorded_order_id, v_outcome FROM order_timeout_payment WHERE reference = p_reference;
    END IF;
    IF v_recorded_order_id <> p_order_id THEN
        RETURN 'reference_used';
    ELSEIF v_outcome IS NOT NULL THEN
        RETURN IF(v_outcome = 'accepted', 'already_accepted', v_outcome);
    ELSEIF v_stands IS NULL THEN
        RETURN 'not_found';
    ELSEIF v_stands = 'pending' THEN
        SET v_outcome = 'accepted';
    ELSEIF v_stands = 'paid' THEN
        SELECT COUNT(*)
          INTO v_count
          FROM order_timeout_payment AS payment
         WHERE payment.order_id = p_order_id AND payment.outcome IN ('accepted', 'paid_elsewhere')
           FOR SHARE;
        SET v_outcome = IF(v_count > 0, 'already_paid', 'paid_elsewhere');
    ELSE
        SET v_outcome = IF(v_stands = 'cancelled', 'too_late', 'not_payable');
    END IF;

    SET p_now = order_timeout_now();
    INSERT INTO order_timeout_payment (reference, order_id, outcome, received_by, received_at)
    VALUES (p_reference, p_order_id, v_outcome, USER(), p_now);
    IF v_outcome = 'accepted' THEN
        UPDATE /*+ {{> callers_session}} */ order_timeout_shop_order AS o
           SET {{#orders.paid_set}}o.{{column}} = {{value}}{{^last}},
               {{/last}}{{/orders.paid_set}}
         WHERE o.order_id = p_order_id;
        CALL order_timeout_require_status(JSON_ARRAY(p_order_id), TRUE);
        -- Paid before, and set pending again: nobody knows whether the first money was sent back.
        INSERT INTO order_timeout_finding (order_id, what, detail, opened_at)
        SELECT p_order_id, 'paid_elsewhere', p_reference, p_now
          FROM order_timeout_payment AS payment FORCE INDEX (order_timeout_payment_order)
         WHERE payment.order_id = p_order_id AND payment.reference <> p_reference AND payment.outcome IN ('accepted', 'paid_elsewhere')
        HAVING COUNT(*) > 0
            ON DUPLICATE KEY UPDATE detail = p_reference, settled_at = NULL, closed_at = NULL, opened_at = p_now;
        -- Cancelled before: it may be too old to be looked at again. Read without a lock first: mostly there is nothing.
        SELECT COUNT(*) INTO v_count FROM order_timeout_refund WHERE order_id = p_order_id;
        IF v_count > 0 THEN
            INSERT INTO order_timeout_finding (order_id, kind, target_id, what, amount, other_amount, opened_at)
            SELECT seen.order_id, seen.kind, seen.target_id, 'paid_after_refund', seen.amount, seen.other_amount, p_now
              FROM (SELECT refund.order_id, refund.kind, refund.target_id, refund.amount, refund.taken AS other_amount, '' AS detail
                      FROM order_timeout_refund AS refund FORCE INDEX (PRIMARY)
                     WHERE refund.order_id = p_order_id) AS seen
                ON DUPLICATE KEY UPDATE {{> reopen_finding}};
        END IF;
    ELSEIF v_outcome = 'paid_elsewhere' THEN
        INSERT INTO order_timeout_finding (order_id, what, opened_at)
        VALUES (p_order_id, 'paid_elsewhere', p_now)
            ON DUPLICATE KEY UPDATE closed_at = NULL;
    END IF;
    RETURN v_outcome;
END$$
DELIMITER ;
