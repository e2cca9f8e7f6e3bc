DROP PROCEDURE IF EXISTS order_timeout_pick;
DELIMITER $$
CREATE PROCEDURE order_timeout_pick (
    IN p_now DATETIME(3),
    IN p_limit INT UNSIGNED,
    IN p_turn INT,
    INOUT p_turns JSON,
    OUT p_order_ids JSON
)
    COMMENT 'Picks the oldest orders of one source type that are due, and moves its turn behind them.
Locks nothing. Leaves out orders on hold, and failed ones until their next try.
Parameters: p_now: in the shop''s clock, which is the session''s time zone. p_limit: at most so many.
p_turn: which of p_turns, from 0. p_turns: of order_timeout_list_turns().
p_order_ids: orders.id, oldest first; NULL: none is due.'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_turn JSON DEFAULT JSON_EXTRACT(p_turns, CONCAT('$[', p_turn, ']'));
    DECLARE v_source_type BIGINT DEFAULT JSON_VALUE(v_turn, '$.source_type' RETURNING SIGNED);
    DECLARE v_cutoff DATETIME(3) DEFAULT v_turn ->> '$.cutoff';
    DECLARE v_after_created_at DATETIME(6) DEFAULT v_turn ->> '$.created_at';
    DECLARE v_after_order_id BIGINT DEFAULT v_turn ->> '$.order_id';
    DECLARE v_last VARCHAR(64) CHARACTER SET ascii;

    -- The greatest of the texts is the last of the orders: both parts have a fixed length.
    SELECT JSON_ARRAYAGG(picked.order_id), MAX(CONCAT(picked.created_at, ' ', LPAD(picked.order_id, 20, '0')))
      INTO p_order_ids, v_last
      FROM (SELECT candidate.order_id, candidate.created_at
              FROM order_timeout_candidate AS candidate
             WHERE candidate.source_type <=> v_source_type
               AND candidate.created_at >= v_after_created_at
               AND candidate.created_at < v_cutoff
               AND (candidate.created_at > v_after_created_at OR candidate.order_id > v_after_order_id)
               AND (candidate.held_until IS NULL OR candidate.held_until <= p_now)
               AND (NOT candidate.has_failed OR candidate.retry_at <= p_now)
             ORDER BY candidate.created_at, candidate.order_id
             LIMIT p_limit
           ) AS picked;

    IF JSON_LENGTH(p_order_ids) = p_limit THEN
        SET p_turns = JSON_SET(p_turns,
            CONCAT('$[', p_turn, '].created_at'), LEFT(v_last, CHAR_LENGTH(v_last) - 21),
            CONCAT('$[', p_turn, '].order_id'), CAST(RIGHT(v_last, 20) AS UNSIGNED));
    END IF;
END$$
DELIMITER ;
