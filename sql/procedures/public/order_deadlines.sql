DROP PROCEDURE IF EXISTS order_deadlines;
DELIMITER $$
CREATE PROCEDURE order_deadlines (
    IN p_order_ids JSON
)
    COMMENT 'Description: when orders time out, for the countdowns of a page or a list. Locks nothing.
Parameters: p_order_ids: a JSON array of at most 1000 ids, as numbers or as digits.
Result: a row for each, in their order: order_id, state, expires_at, remaining_seconds, held_until, clock. Times are in the shop''s clock;
NULL where there is none. States: pending (remaining_seconds to go), on_hold, due (the next sweep cancels it), excluded (it never times
out), paid, cancelled, contradictory, not_found.
Errors: 50008 p_order_ids is no such list; 50003 the setting is lost; 50006 the clock was changed.
Example: CALL order_deadlines(''[28229, 26743]'')'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_wrong INT;
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4;

{{> distrust_session}}
    SELECT COALESCE(SUM(NOT COALESCE(REGEXP_LIKE(listed.digits, '^[1-9][0-9]{0,18}$') AND CAST(listed.digits AS UNSIGNED) <= 9223372036854775807, 0)), 0)
      INTO v_wrong
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (digits VARCHAR(20) CHARACTER SET utf8mb4 PATH '$')) AS listed;
    IF NOT COALESCE(JSON_TYPE(p_order_ids), '') = 'ARRAY' OR JSON_LENGTH(p_order_ids) > 1000 OR v_wrong > 0 THEN
        SET v_message = CONCAT('INVALID_LIST: p_order_ids must be a JSON array of at most 1000 positive ids, but is ',
                               CONCAT_WS(' of ', COALESCE(JSON_TYPE(p_order_ids), 'NULL'), JSON_LENGTH(p_order_ids)),
                               IF(v_wrong > 0, CONCAT('; no ids: ', v_wrong), ''));
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50008, MESSAGE_TEXT = v_message;
    END IF;
    DO order_timeout_now();
    SELECT /*+ {{> callers_session}} */
           told.order_id, told.state,
           IF(told.state IN ('pending', 'on_hold', 'due'), told.expires_at, NULL) AS expires_at,
           IF(told.state IN ('pending', 'on_hold', 'due'),
              GREATEST(TIMESTAMPDIFF(SECOND, SYSDATE(3), told.expires_at), 0), NULL) AS remaining_seconds,
           IF(told.held_until > SYSDATE(3), told.held_until, NULL) AS held_until,
           '{{clock}}' AS clock
      FROM (SELECT listed.place, listed.order_id, state.expires_at, state.held_until,
                   CASE WHEN state.order_id IS NULL THEN 'not_found'
                        WHEN state.verdict = 'not_expired' THEN 'pending'
                        ELSE state.verdict END AS state
              FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (place FOR ORDINALITY, order_id BIGINT PATH '$')) AS listed
              LEFT JOIN order_timeout_state AS state ON state.order_id = listed.order_id) AS told
     ORDER BY told.place;
END$$
DELIMITER ;
