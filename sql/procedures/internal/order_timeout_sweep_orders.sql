DROP PROCEDURE IF EXISTS order_timeout_sweep_orders;
DELIMITER $$
CREATE PROCEDURE order_timeout_sweep_orders (
    IN p_run_id BIGINT UNSIGNED,
    IN p_turn JSON,
    IN p_order_ids JSON,
    OUT p_error_number INT,
    OUT p_error_state CHAR(5),
    OUT p_error_message VARCHAR(512) CHARACTER SET utf8mb4
)
    COMMENT 'Cancels orders of a sweep in one transaction: all that can be locked at once, or none.
Parameters: p_run_id: order_timeout_run.id. p_turn: of order_timeout_list_turns(). p_order_ids: orders.id.
p_error_number, p_error_state, p_error_message: NULL, or why all was rolled back.
Errors: those that are the server''s and not an order''s.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_picked INT DEFAULT JSON_LENGTH(p_order_ids);
    DECLARE v_cancelled INT;
    DECLARE v_found JSON;
    DECLARE v_settled JSON;
    DECLARE v_clock CHAR(6);
    DECLARE v_now DATETIME(3);
    -- No privilege, no table, no column, read-only, disk or memory full, definer gone, query killed, server going
    -- down: no order is to blame.
    DECLARE EXIT HANDLER FOR 1044, 1142, 1143, 1227, 1370, 1146, 1054, 1290, 1792, 1836, 1021, 1037, 1041, 1114, 1449,
                             1317, 1053, 1305, 1318
        RESIGNAL;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, NOT FOUND
    BEGIN
        GET STACKED DIAGNOSTICS CONDITION 1
            p_error_number = MYSQL_ERRNO, p_error_state = RETURNED_SQLSTATE, p_error_message = MESSAGE_TEXT;
        ROLLBACK AND NO CHAIN NO RELEASE;
    END;

    SET p_error_number = NULL, p_error_state = NULL, p_error_message = NULL;
    CALL order_timeout_read_clock(v_clock, v_now);
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION READ WRITE;
    CALL order_timeout_lock_skipping(p_order_ids, p_turn, v_now, v_found);
    IF p_order_ids IS NOT NULL THEN
        CALL order_timeout_settle(p_order_ids, v_found, 'timeout', 'order_timeout', p_run_id, v_now, FALSE, v_settled);
    END IF;

    SET v_cancelled = COALESCE(JSON_LENGTH(p_order_ids), 0);
    UPDATE order_timeout_run
       SET cancelled = cancelled + v_cancelled,
           coupon_refunded = coupon_refunded + COALESCE(JSON_VALUE(v_settled, '$.coupon_refunded' RETURNING SIGNED), 0),
           points_refunded = points_refunded + COALESCE(JSON_VALUE(v_settled, '$.points_refunded' RETURNING SIGNED), 0),
           put_off = put_off + v_picked - v_cancelled
     WHERE id = p_run_id;
    COMMIT AND NO CHAIN NO RELEASE;
END$$
DELIMITER ;
