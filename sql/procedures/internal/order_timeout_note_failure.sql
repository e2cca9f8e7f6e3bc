DROP PROCEDURE IF EXISTS order_timeout_note_failure;
DELIMITER $$
CREATE PROCEDURE order_timeout_note_failure (
    IN p_order_id BIGINT,
    IN p_error_number INT,
    IN p_error_state CHAR(5) CHARACTER SET ascii,
    IN p_error_message VARCHAR(512) CHARACTER SET utf8mb4,
    INOUT p_run_id BIGINT UNSIGNED
)
    COMMENT 'Description: records that an order could not be cancelled: it is tried again after 1, 2, 4 ... 64 minutes, and set aside after
max_attempts. A lock conflict is no failure: the next run takes the order. An error that may be the server''s counts no attempt: the order
waits as long again as it has failed, 16 minutes at the most, so that a dozen such orders do not keep back all others of their type.
Parameters: p_order_id: the order. The errors: of order_timeout_sweep_batch(). p_run_id: order_timeout_run.id; NULL: it begins.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_max_attempts INT UNSIGNED;
    DECLARE v_now DATETIME(3) DEFAULT order_timeout_now();
    DECLARE v_attempt INT DEFAULT p_error_number NOT IN ({{> servers_errors}});

    START TRANSACTION READ WRITE;
    CALL order_timeout_open_run(p_run_id);
    SELECT max_attempts INTO v_max_attempts FROM order_timeout_setting;
    IF p_error_number IN (1205 /* lock wait */, 1213 /* deadlock */, 3572 /* NOWAIT */) THEN
        UPDATE order_timeout_run SET put_off = put_off + 1 WHERE id = p_run_id;
    ELSE
        INSERT INTO order_timeout_failure
               (order_id, attempts, first_failed_at, last_failed_at, retry_at, error_number, error_state, error_message)
        VALUES (p_order_id, v_attempt, v_now, v_now, IF(v_attempt >= v_max_attempts, NULL, v_now + INTERVAL 1 MINUTE),
                p_error_number, p_error_state, p_error_message)
            ON DUPLICATE KEY UPDATE
               retry_at = IF(attempts + v_attempt >= v_max_attempts, NULL,
                             v_now + INTERVAL IF(v_attempt, POW(2, LEAST(attempts, 6)),
                                                 LEAST(GREATEST(TIMESTAMPDIFF(MINUTE, first_failed_at, v_now), 1), 16)) MINUTE),
               attempts = attempts + v_attempt,
               last_failed_at = v_now,
               error_number = p_error_number,
               error_state = p_error_state,
               error_message = p_error_message;
        UPDATE order_timeout_run SET failed = failed + 1 WHERE id = p_run_id;
    END IF;
    COMMIT AND NO CHAIN NO RELEASE;
END$$
DELIMITER ;
