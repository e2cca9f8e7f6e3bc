DROP PROCEDURE IF EXISTS order_timeout_settle_one;
DELIMITER $$
CREATE PROCEDURE order_timeout_settle_one (
    IN p_order_id BIGINT,
    IN p_user_id BIGINT,
    IN p_cause VARCHAR(16),
    IN p_remark VARCHAR(255) CHARACTER SET utf8mb4,
    OUT p_verdict VARCHAR(16),
    OUT p_settled JSON
)
    COMMENT 'Cancels or repairs one order in a transaction of its own or in the caller''s, waiting for locks.
After an error the caller''s earlier work stands, ours is undone, and the session is as it was.
Parameters: p_order_id: orders.id. p_user_id: whose the order must be; NULL: anybody''s.
p_cause: timeout, user, admin or repair. p_remark: for the journal and the points ledger.
p_verdict: settle: it was done; otherwise why not, see order_timeout_decide(). 
p_settled: of order_timeout_settle(), or NULL.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_joined BOOLEAN;
    DECLARE v_found JSON;
    DECLARE v_is_overlooked BOOLEAN;
    DECLARE v_clock CHAR(6);
    DECLARE v_now DATETIME(3);
    DECLARE v_caller_last_insert_id BIGINT UNSIGNED DEFAULT LAST_INSERT_ID();
    DECLARE v_caller_time_zone VARCHAR(64) DEFAULT @@SESSION.time_zone;
    DECLARE v_caller_safe_updates BOOLEAN DEFAULT @@SESSION.sql_safe_updates;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, NOT FOUND
    BEGIN
        IF v_joined THEN
            BEGIN
                -- A deadlock has rolled back the whole transaction, and the savepoint with it.
                DECLARE CONTINUE HANDLER FOR 1305 BEGIN END;
                ROLLBACK TO SAVEPOINT order_timeout_call;
                RELEASE SAVEPOINT order_timeout_call;
            END;
        ELSE
            ROLLBACK AND NO CHAIN NO RELEASE;
        END IF;
        SET SESSION time_zone = v_caller_time_zone, SESSION sql_safe_updates = v_caller_safe_updates,
            SESSION last_insert_id = v_caller_last_insert_id;
        RESIGNAL;
    END;

    CALL order_timeout_detect_transaction(v_joined);
    IF v_joined THEN
        SAVEPOINT order_timeout_call;
    ELSE
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION READ WRITE;
    END IF;

    CALL order_timeout_decide(p_order_id, p_user_id, p_cause, v_clock, p_verdict);
    IF p_verdict = 'settle' THEN
        SET SESSION time_zone = v_clock, SESSION sql_safe_updates = 0;
        CALL order_timeout_lock_waiting(p_order_id, v_found);
        SET v_now = CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', v_clock);
        CALL order_timeout_settle(JSON_ARRAY(p_order_id), v_found, p_cause, p_remark, NULL, v_now, FALSE, p_settled);
        IF v_joined THEN
            CALL order_timeout_find_overlooked(p_settled -> '$.met', v_is_overlooked);
            IF v_is_overlooked THEN
                ROLLBACK TO SAVEPOINT order_timeout_call;
                CALL order_timeout_lock_waiting(p_order_id, v_found);
                CALL order_timeout_settle(JSON_ARRAY(p_order_id), v_found, p_cause, p_remark, NULL, v_now, TRUE, p_settled);
            END IF;
        END IF;
        SET SESSION time_zone = v_caller_time_zone, SESSION sql_safe_updates = v_caller_safe_updates,
            SESSION last_insert_id = v_caller_last_insert_id;
    END IF;

    IF v_joined THEN
        RELEASE SAVEPOINT order_timeout_call;
    ELSE
        COMMIT AND NO CHAIN NO RELEASE;
    END IF;
END$$
DELIMITER ;
