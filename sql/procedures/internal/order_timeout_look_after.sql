DROP PROCEDURE IF EXISTS order_timeout_look_after;
DELIMITER $$
CREATE PROCEDURE order_timeout_look_after (
    IN p_order_id BIGINT
)
    COMMENT 'Description: opens the findings of an order that was just settled. The settlement stands whatever comes of this: after any
error the sweep finds it later, see order_timeout_reconcile().
Parameters: p_order_id: the order.
Errors: 1213, 1206, and with innodb_rollback_on_timeout 1205: where it undid the caller''s whole transaction, and the settlement with it.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_joined BOOLEAN DEFAULT NOT @@SESSION.autocommit;
    DECLARE CONTINUE HANDLER FOR {{> any_error}} BEGIN END;
    DECLARE CONTINUE HANDLER FOR 1205 /* lock wait */
    BEGIN
        IF v_joined AND @@GLOBAL.innodb_rollback_on_timeout THEN
            RESIGNAL;
        END IF;
    END;
    DECLARE CONTINUE HANDLER FOR 1213 /* deadlock */, 1206 /* no room for locks */
    BEGIN
        IF v_joined THEN
            RESIGNAL;
        END IF;
    END;

    IF NOT v_joined THEN
        CALL order_timeout_read_committed(v_joined);
    END IF;
    CALL order_timeout_note_findings(JSON_ARRAY(p_order_id), order_timeout_now());
END$$
DELIMITER ;
