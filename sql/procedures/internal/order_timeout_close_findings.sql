DROP PROCEDURE IF EXISTS order_timeout_close_findings;
DELIMITER $$
CREATE PROCEDURE order_timeout_close_findings (
    IN p_finding_ids JSON,
    IN p_now DATETIME(3)
)
    COMMENT 'Description: closes findings that are true no longer. What says so is read before, without a lock: an UPDATE that joined the shop''s
tables would lock their rows, and wait for those that customers hold.
Parameters: p_finding_ids: order_timeout_finding.id; NULL: none. p_now: in the shop''s clock.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    UPDATE /*+ {{> session}} JOIN_FIXED_ORDER() */
           JSON_TABLE(COALESCE(p_finding_ids, '[]'), '$[*]' COLUMNS (finding_id BIGINT UNSIGNED PATH '$')) AS over_now
      JOIN order_timeout_finding AS finding FORCE INDEX (PRIMARY) ON finding.id = over_now.finding_id
       SET finding.closed_at = p_now;
END$$
DELIMITER ;
