DROP PROCEDURE IF EXISTS order_timeout_decide;
DELIMITER $$
CREATE PROCEDURE order_timeout_decide (
    IN p_order_id BIGINT,
    IN p_user_id BIGINT,
    IN p_cause VARCHAR(16),
    OUT p_clock CHAR(6),
    OUT p_verdict VARCHAR(16)
)
    COMMENT 'Locks an order and decides under the lock whether it is to be cancelled, or repaired.
Parameters: as order_timeout_settle_one(). p_clock: the shop''s UTC offset, NULL when the order is not found.
p_verdict: settle, not_found, not_owner, not_pending, and for a timeout also excluded, on_hold, not_expired;
for a repair: settle, not_found, not_cancelled.
Errors: 50003 order_timeout_setting has lost its row.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
decide: BEGIN
    DECLARE v_status BIGINT;
    DECLARE v_user_id BIGINT;
    DECLARE v_source_type BIGINT;
    DECLARE v_enabled BOOLEAN;
    DECLARE v_timeout_minutes INT;
    DECLARE v_now DATETIME(3);
    DECLARE v_is_due BOOLEAN;
    DECLARE v_is_held BOOLEAN;
    DECLARE v_caller_time_zone VARCHAR(64) DEFAULT @@SESSION.time_zone;
    DECLARE CONTINUE HANDLER FOR NOT FOUND SET p_verdict = 'not_found';

    SET p_verdict = 'settle';
    SELECT status, user_id, source_type
      INTO v_status, v_user_id, v_source_type
      FROM orders
     WHERE id = p_order_id
       FOR UPDATE;

    IF p_verdict = 'not_found' THEN
        LEAVE decide;
    END IF;
    CALL order_timeout_read_policy(v_source_type, p_clock, v_enabled, v_timeout_minutes);
    IF p_cause = 'repair' THEN
        IF NOT v_status <=> 3 /* cancelled */ THEN
            SET p_verdict = 'not_cancelled';
        END IF;
        LEAVE decide;
    END IF;
    IF p_user_id IS NOT NULL AND NOT v_user_id <=> p_user_id THEN
        SET p_verdict = 'not_owner';
        LEAVE decide;
    END IF;
    IF NOT v_status <=> 1 /* pending */ THEN
        SET p_verdict = 'not_pending';
        LEAVE decide;
    END IF;

    IF p_cause <> 'timeout' THEN
        LEAVE decide;
    END IF;
    IF NOT v_enabled THEN
        SET p_verdict = 'excluded';
        LEAVE decide;
    END IF;

    -- In the shop's clock a DATETIME and a TIMESTAMP column compare alike.
    -- A current read of the hold: the caller's snapshot may be older.
    SET v_now = CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', p_clock), SESSION time_zone = p_clock;
    SELECT orders.created_at < v_now - INTERVAL v_timeout_minutes MINUTE, hold.held_until > v_now
      INTO v_is_due, v_is_held
      FROM orders
      LEFT JOIN order_timeout_hold AS hold ON hold.order_id = orders.id
     WHERE orders.id = p_order_id
       FOR UPDATE OF orders
       FOR SHARE OF hold;
    SET SESSION time_zone = v_caller_time_zone;
    IF v_is_held THEN
        SET p_verdict = 'on_hold';
    ELSEIF v_is_due IS NOT TRUE THEN
        SET p_verdict = 'not_expired';
    END IF;
END$$
DELIMITER ;
