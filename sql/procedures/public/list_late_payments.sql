DROP PROCEDURE IF EXISTS list_late_payments;
DELIMITER $$
CREATE PROCEDURE list_late_payments (
    IN p_limit INT
)
    COMMENT 'Description: lists the payments whose money is to be sent back, oldest first: accept_payment() could not accept them, and
settle_late_payment() has not been called for them. Locks nothing.
Parameters: p_limit: at most so many, 1 to 100000.
Result: reference, order_id, outcome (too_late, already_paid, not_payable), received_at (in the shop''s clock), received_by, clock.
Errors: 50004 p_limit is NULL or out of range.
Example: CALL list_late_payments(100)'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
{{> distrust_session}}
    CALL order_timeout_require_number('p_limit', p_limit, 1, 100000);
    SELECT payment.reference, payment.order_id, payment.outcome, payment.received_at, payment.received_by, '{{clock}}' AS clock
      FROM order_timeout_payment AS payment
     WHERE payment.to_send_back = 1
     ORDER BY payment.received_at, payment.reference
     LIMIT p_limit;
END$$
DELIMITER ;
