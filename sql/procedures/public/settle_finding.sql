DROP PROCEDURE IF EXISTS settle_finding;
DELIMITER $$
CREATE PROCEDURE settle_finding (
    IN p_finding_id BIGINT,
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4
)
    COMMENT 'Description: says that a finding is dealt with, and how. It opens again only if its amounts change.
Parameters: p_finding_id: of list_findings(). p_remark: what was done, for people; NULL: nothing is said.
Result: 1 row: finding_id, outcome. Outcomes: settled, already_settled, not_found.
Errors: 50001 p_finding_id is NULL or not positive; 50003 the setting is lost; 50006 the clock was changed.
Example: CALL settle_finding(17, ''the user keeps both'')'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_found INT;
    DECLARE v_settled INT;

{{> distrust_session}}
    CALL order_timeout_require_id('p_finding_id', p_finding_id);
    -- One statement: who comes second sees that it is settled already.
    UPDATE order_timeout_finding
       SET settled_at = order_timeout_now(), settled_by = USER(), remark = COALESCE(p_remark, '')
     WHERE id = p_finding_id AND settled_at IS NULL;
    -- Matched rows are changed rows, so nobody's way of counting matters.
    SET v_settled = ROW_COUNT();
    -- With a lock: a caller's snapshot may be older than the finding.
    SELECT COUNT(*) INTO v_found FROM order_timeout_finding WHERE id = p_finding_id FOR SHARE;

    SELECT p_finding_id AS finding_id,
           CASE WHEN v_settled > 0 THEN 'settled'
                WHEN v_found = 0 THEN 'not_found'
                ELSE 'already_settled' END AS outcome;
END$$
DELIMITER ;
