DROP PROCEDURE IF EXISTS list_findings;
DELIMITER $$
CREATE PROCEDURE list_findings (
    IN p_limit INT
)
    COMMENT 'Description: lists what a person has to look at, oldest first: what is open and not settled. Locks nothing.
Parameters: p_limit: at most so many, 1 to 100000.
Result: finding_id, order_id, kind, target_id, what, amount, other_amount, found_at (in the shop''s clock), detail, clock. The page "What a finding
means and what to do" of the runbook explains each.
Errors: 50004 p_limit is NULL or out of range.
Example: CALL list_findings(100)'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
{{> distrust_session}}
    CALL order_timeout_require_number('p_limit', p_limit, 1, 100000);
    SELECT finding.id AS finding_id, finding.order_id, finding.kind, finding.target_id, finding.what, finding.amount,
           finding.other_amount, finding.opened_at AS found_at, finding.detail, '{{clock}}' AS clock
      FROM order_timeout_finding AS finding
     WHERE finding.is_open = 1
     ORDER BY finding.id
     LIMIT p_limit;
END$$
DELIMITER ;
