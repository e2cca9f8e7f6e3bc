DROP PROCEDURE IF EXISTS settle_late_payment;
DELIMITER $$
CREATE PROCEDURE settle_late_payment (
    IN p_reference VARCHAR(256) CHARACTER SET utf8mb4,
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4
)
    COMMENT 'Description: says that the money of a payment that came too late was sent back, and how.
Parameters: p_reference: as accept_payment() was told it. p_remark: for people; NULL: nothing is said.
Result: 1 row: reference, outcome. Outcomes: settled, already_settled, not_owed (nothing is to be sent back), not_found.
Errors: 50007 p_reference is NULL, empty or longer than 255 characters; 50003 the setting is lost; 50006 the clock was changed.
Example: CALL settle_late_payment(''pi_3MtwBw'', ''refund re_1Nis'')'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_outcome VARCHAR(16) CHARACTER SET ascii;
    DECLARE v_reference VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin DEFAULT p_reference;

{{> distrust_session}}
    CALL order_timeout_require_reference(p_reference);
    -- One statement: who comes second sees that it is settled already.
    UPDATE order_timeout_payment
       SET settled_at = order_timeout_now(), settled_by = USER(), remark = COALESCE(p_remark, '')
     WHERE reference = v_reference AND outcome IN ('already_paid', 'too_late', 'not_payable') AND settled_at IS NULL;
    -- Matched rows are changed rows, so nobody's way of counting matters.
    SET v_outcome = IF(ROW_COUNT() > 0, 'settled', NULL);
    IF v_outcome IS NULL THEN
        -- With a lock: a caller's snapshot may be older than what the UPDATE met.
        SELECT CASE WHEN COUNT(*) = 0 THEN 'not_found'
                    WHEN MAX(settled_at) IS NULL THEN 'not_owed'
                    ELSE 'already_settled' END
          INTO v_outcome
          FROM order_timeout_payment
         WHERE reference = v_reference
           FOR SHARE;
    END IF;

    SELECT p_reference AS reference, v_outcome AS outcome;
END$$
DELIMITER ;
