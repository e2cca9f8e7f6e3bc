DROP PROCEDURE IF EXISTS order_timeout_sweep;
DELIMITER $$
CREATE PROCEDURE order_timeout_sweep (
    OUT p_run_id BIGINT UNSIGNED,
    OUT p_outcome VARCHAR(16)
)
    COMMENT 'Cancels all that is due, in batches: oldest first within a source type, the source types taking turns.
p_run_id: order_timeout_run.id, NULL when there was nothing to do. p_outcome: completed or out_of_time.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
sweep: BEGIN
    DECLARE v_batch_size INT UNSIGNED;
    DECLARE v_clock CHAR(6);
    DECLARE v_now DATETIME(3);
    DECLARE v_stop_at DATETIME(3);
    DECLARE v_turns JSON;
    DECLARE v_turn INT DEFAULT 0;
    DECLARE v_order_ids JSON;

    CALL order_timeout_read_clock(v_clock, v_now);
    SELECT batch_size, UTC_TIMESTAMP(3) + INTERVAL time_budget_seconds SECOND
      INTO v_batch_size, v_stop_at
      FROM order_timeout_setting;
    CALL order_timeout_list_turns(v_now, v_turns);
    WHILE JSON_LENGTH(v_turns) > 0 DO
        IF UTC_TIMESTAMP(3) >= v_stop_at THEN
            SET p_outcome = 'out_of_time';
            LEAVE sweep;
        END IF;

        SET v_turn = v_turn % JSON_LENGTH(v_turns);
        CALL order_timeout_pick(v_now, v_batch_size, v_turn, v_turns, v_order_ids);
        IF v_order_ids IS NOT NULL THEN
            CALL order_timeout_open_run(p_run_id);
            CALL order_timeout_sweep_batch(p_run_id, JSON_EXTRACT(v_turns, CONCAT('$[', v_turn, ']')), v_order_ids, v_stop_at);
        END IF;
        IF COALESCE(JSON_LENGTH(v_order_ids), 0) < v_batch_size THEN
            SET v_turns = JSON_REMOVE(v_turns, CONCAT('$[', v_turn, ']'));
        ELSE
            SET v_turn = v_turn + 1;
        END IF;
    END WHILE;
    -- In the last batch too the time may have run out, before its last order.
    SET p_outcome = IF(UTC_TIMESTAMP(3) >= v_stop_at, 'out_of_time', 'completed');
END$$
DELIMITER ;
