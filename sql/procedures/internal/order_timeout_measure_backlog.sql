DROP PROCEDURE IF EXISTS order_timeout_measure_backlog;
DELIMITER $$
CREATE PROCEDURE order_timeout_measure_backlog (
    IN p_now DATETIME(3),
    OUT p_due INT,
    OUT p_overdue_seconds BIGINT
)
    COMMENT 'Counts the orders that the next sweep would cancel. Locks nothing, counts no further than 10000 of each source type.
Parameters: p_now: in the shop''s clock, which is the session''s time zone.
p_due: how many. p_overdue_seconds: how long the oldest of them is past its time; 0: none is.'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_turns JSON;
    DECLARE v_turn INT DEFAULT 0;
    DECLARE v_order_ids JSON;
    DECLARE v_oldest_seconds BIGINT;

    SET p_due = 0, p_overdue_seconds = 0;
    CALL order_timeout_list_turns(p_now, v_turns);
    WHILE v_turn < JSON_LENGTH(v_turns) DO
        CALL order_timeout_pick(p_now, 10000, v_turn, v_turns, v_order_ids);
        SET p_due = p_due + COALESCE(JSON_LENGTH(v_order_ids), 0);
        SELECT MAX(TIMESTAMPDIFF(SECOND, orders.created_at,
                                 JSON_UNQUOTE(JSON_EXTRACT(v_turns, CONCAT('$[', v_turn, '].cutoff')))))
          INTO v_oldest_seconds
          FROM orders
         WHERE orders.id = JSON_EXTRACT(v_order_ids, '$[0]');
        SET p_overdue_seconds = GREATEST(p_overdue_seconds, COALESCE(v_oldest_seconds, 0));
        SET v_turn = v_turn + 1;
    END WHILE;
END$$
DELIMITER ;
