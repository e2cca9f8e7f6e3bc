DROP PROCEDURE IF EXISTS order_timeout_list_turns;
DELIMITER $$
CREATE PROCEDURE order_timeout_list_turns (
    IN p_now DATETIME(3),
    OUT p_turns JSON
)
    COMMENT 'Lists the source types that have pending orders and time out, with their cut-off and where to begin.
One index read for each source type, however many orders there are. Orders without a source type are one of their own.
Parameters: p_now: in the shop''s clock.
p_turns: [{"source_type": 1, "cutoff": "2026-01-31 12:00:00.000", "created_at": "1000-01-01", "order_id": 0}].'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_has_untyped BOOLEAN;
    DECLARE v_next_source_type BIGINT;
    DECLARE v_source_type BIGINT;
    DECLARE v_clock CHAR(6);
    DECLARE v_enabled BOOLEAN;
    DECLARE v_timeout_minutes INT;

    SET p_turns = JSON_ARRAY();
    -- Not by SET: its subquery would wait for a payment of the first order.
    SELECT COUNT(*)
      INTO v_has_untyped
      FROM (SELECT 1 FROM orders WHERE status = 1 /* pending */ AND source_type IS NULL LIMIT 1) AS untyped;
    SELECT MIN(source_type)
      INTO v_next_source_type
      FROM orders
     WHERE status = 1 /* pending */;
    WHILE v_has_untyped OR v_next_source_type IS NOT NULL DO
        SET v_source_type = IF(v_has_untyped, NULL, v_next_source_type);
        CALL order_timeout_read_policy(v_source_type, v_clock, v_enabled, v_timeout_minutes);
        IF v_enabled THEN
            SET p_turns = JSON_ARRAY_APPEND(p_turns, '$', JSON_OBJECT(
                'source_type', v_source_type,
                'cutoff', CAST(p_now - INTERVAL v_timeout_minutes MINUTE AS CHAR),
                'created_at', '1000-01-01',
                'order_id', 0));
        END IF;
        SET v_has_untyped = FALSE;
        SELECT MIN(source_type)
          INTO v_next_source_type
          FROM orders
         WHERE status = 1 /* pending */ AND (v_source_type IS NULL OR source_type > v_source_type);
    END WHILE;
END$$
DELIMITER ;
