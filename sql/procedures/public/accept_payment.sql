DROP PROCEDURE IF EXISTS accept_payment;
DELIMITER $$
CREATE PROCEDURE accept_payment (
    IN p_order_id BIGINT,
    IN p_reference VARCHAR(256) CHARACTER SET utf8mb4
)
    COMMENT 'Description: the payment callback: records a payment, once for each reference, and makes a pending order paid whatever the
clock, a hold or a policy says. COMMIT WHATEVER THE OUTCOME: a ROLLBACK loses the record of money that is to be sent back.
Parameters: p_order_id: the order''s id. p_reference: the payment''s own id; of one for several orders append the order''s id.
Result: 1 row: order_id, outcome. Outcomes: accepted; already_accepted (this reference: told again); paid_elsewhere (paid without a
record here; a finding); reference_used (on another order: nothing is recorded); not_found; and money to send back: already_paid
(another reference paid it), too_late (cancelled), not_payable. A repeated call gets the same answer.
Errors: 50001 p_order_id is NULL or not positive; 50007 p_reference is NULL, empty or longer than 255 characters; 1205 and 1213 lock conflicts: call again;
50003 the setting is lost; 50006 the clock was changed; 50010 what the shop file sets did not make the order paid.
Example: CALL accept_payment(28229, ''pi_3MtwBw'')'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_joined BOOLEAN DEFAULT NOT @@SESSION.autocommit;
    DECLARE v_outcome VARCHAR(16) CHARACTER SET ascii;

{{> distrust_session}}
    CALL order_timeout_require_id('p_order_id', p_order_id);
    CALL order_timeout_require_reference(p_reference);
    IF NOT v_joined THEN
        CALL order_timeout_read_committed(v_joined);
    END IF;
    BEGIN
        -- A record that it did not see, of this moment or newer than the caller's snapshot: the call is undone whole, and then sees it.
        DECLARE EXIT HANDLER FOR 1062 SET v_outcome = NULL;
        SET v_outcome = order_timeout_take_payment(p_order_id, p_reference, FALSE);
    END;
    IF v_outcome IS NULL THEN
        SET v_outcome = order_timeout_take_payment(p_order_id, p_reference, TRUE);
    END IF;

    SELECT p_order_id AS order_id, v_outcome AS outcome;
END$$
DELIMITER ;
