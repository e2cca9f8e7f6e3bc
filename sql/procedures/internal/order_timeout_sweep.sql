DROP PROCEDURE IF EXISTS order_timeout_sweep;
DELIMITER $$
CREATE PROCEDURE order_timeout_sweep (
    IN p_now DATETIME(3),
    IN p_default_minutes INT,
    IN p_shortest_minutes INT,
    IN p_stop_at DATETIME(3),
    INOUT p_run_id BIGINT UNSIGNED,
    OUT p_outcome VARCHAR(16) CHARACTER SET ascii,
    INOUT p_error_number INT,
    INOUT p_error_message VARCHAR(512) CHARACTER SET utf8mb4
)
    COMMENT 'Description: cancels all that is due, one source type after the other, oldest first, in batches.
Parameters: p_now: in the shop''s clock. p_default_minutes: of order_timeout_setting; p_shortest_minutes: the least
of it and the policies. p_stop_at: no further batch then, by SYSDATE().
p_run_id: order_timeout_run.id, NULL when there was nothing to do. p_outcome: completed or out_of_time. p_error_number, p_error_message:
of order_timeout_sweep_type().
Errors: 50003 the setting is lost, 50006 the clock was changed; what stops every order, such as a missing privilege.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
sweep: BEGIN
    DECLARE v_source_type BIGINT;
    DECLARE v_oldest DATETIME(3);
    DECLARE v_enabled BOOLEAN DEFAULT TRUE;
    DECLARE v_minutes INT DEFAULT p_default_minutes;
    DECLARE v_next VARCHAR(64) CHARACTER SET ascii;
    DECLARE v_cutoff DATETIME(3);

    -- One index read tells the oldest order of a type. First come the orders without one.
    SELECT /*+ {{> session}} */
           (SELECT o.due_from
              FROM order_timeout_shop_pending AS o
             WHERE o.source_type IS NULL AND o.due_from >= {{orders.least}}
             ORDER BY o.due_from
             LIMIT 1)
      INTO v_oldest;
    type: LOOP
        SET v_cutoff = {{#orders.deadline}}p_now{{/orders.deadline}}{{^orders.deadline}}p_now - INTERVAL v_minutes MINUTE{{/orders.deadline}};
        IF v_enabled AND v_oldest < v_cutoff THEN
            CALL order_timeout_sweep_type(v_source_type, v_cutoff, p_stop_at, p_run_id, p_error_number, p_error_message);
            IF SYSDATE(3) >= p_stop_at THEN
                SET p_outcome = 'out_of_time';
                LEAVE sweep;
            END IF;
        END IF;
{{^orders.type}}
        LEAVE type;
{{/orders.type}}
{{#orders.type}}
        -- And one tells the next type with its oldest order.
        SELECT /*+ {{> session}} */
               (SELECT CONCAT(o.source_type, ' ', o.due_from)
                  FROM order_timeout_shop_pending AS o
                 WHERE o.source_type > COALESCE(v_source_type, -9223372036854775808) AND o.due_from >= {{orders.least}}
                 ORDER BY o.source_type, o.due_from
                 LIMIT 1)
          INTO v_next;
        IF v_next IS NULL THEN
            LEAVE type;
        END IF;
        SET v_source_type = SUBSTRING_INDEX(v_next, ' ', 1),
            v_oldest = SUBSTRING(v_next, LOCATE(' ', v_next) + 1),
            v_enabled = FALSE /* no order is as old as the shortest timeout: the policy is not asked */;
        IF v_oldest < p_now{{^orders.deadline}} - INTERVAL p_shortest_minutes MINUTE{{/orders.deadline}} THEN
            SELECT COALESCE(MAX(enabled), 1), COALESCE(MAX(timeout_minutes), p_default_minutes)
              INTO v_enabled, v_minutes
              FROM order_timeout_policy
             WHERE source_type = v_source_type;
        END IF;
{{/orders.type}}
    END LOOP;
    SET p_outcome = 'completed';
END$$
DELIMITER ;
