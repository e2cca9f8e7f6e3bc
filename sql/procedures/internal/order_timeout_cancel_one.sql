DROP PROCEDURE IF EXISTS order_timeout_cancel_one;
DELIMITER $$
CREATE PROCEDURE order_timeout_cancel_one (
    IN p_order_id BIGINT,
    IN p_user_id BIGINT,
    IN p_cause VARCHAR(16),
    IN p_remark VARCHAR(255)
)
    COMMENT 'Cancels one order in a transaction of its own or in the caller''s, waiting for locks.
Called by cancel_expired_order() and cancel_order(). After an error the caller''s earlier work stands, ours is undone.
Parameters: p_order_id: orders.id. p_user_id: whose the order must be; NULL: anybody''s.
p_cause: timeout, user or admin. p_remark: for the journal and the points ledger.
Result: the row of cancel_expired_order().'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_joined BOOLEAN;
    DECLARE v_verdict VARCHAR(16);
    DECLARE v_has_findings BOOLEAN;
    DECLARE v_batch_id BIGINT UNSIGNED;
    DECLARE v_caller_last_insert_id BIGINT UNSIGNED DEFAULT LAST_INSERT_ID();
    DECLARE v_caller_time_zone VARCHAR(64) DEFAULT @@SESSION.time_zone;
    DECLARE v_caller_safe_updates BOOLEAN DEFAULT @@SESSION.sql_safe_updates;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
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
        SET SESSION time_zone = v_caller_time_zone, SESSION sql_safe_updates = v_caller_safe_updates;
        RESIGNAL;
    END;

    CALL order_timeout_detect_transaction(v_joined);
    IF v_joined THEN
        SAVEPOINT order_timeout_call;
    ELSE
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION READ WRITE;
    END IF;

    CALL order_timeout_decide(p_order_id, p_user_id, p_cause, v_verdict);
    IF v_verdict = 'cancel' THEN
        CALL order_timeout_lock_waiting(p_order_id, v_has_findings);
        SET SESSION time_zone = (SELECT clock FROM order_timeout_setting), SESSION sql_safe_updates = 0;
        CALL order_timeout_settle(JSON_ARRAY(p_order_id), p_cause, p_remark, NULL, v_has_findings, v_batch_id);
        SET SESSION time_zone = v_caller_time_zone, SESSION sql_safe_updates = v_caller_safe_updates,
            SESSION last_insert_id = v_caller_last_insert_id;
    END IF;

    SELECT p_order_id AS order_id,
           IF(v_verdict = 'cancel', 'cancelled', v_verdict) AS outcome,
           COALESCE(MAX(coupon_refunded), 0) AS coupon_refunded,
           COALESCE(MAX(points_refunded), 0) AS points_refunded,
           MAX(cancelled_at) AS cancelled_at
      FROM order_timeout_cancellation
     WHERE batch_id = v_batch_id AND order_id = p_order_id;

    IF v_joined THEN
        RELEASE SAVEPOINT order_timeout_call;
    ELSE
        COMMIT AND NO CHAIN NO RELEASE;
    END IF;
END$$
DELIMITER ;
