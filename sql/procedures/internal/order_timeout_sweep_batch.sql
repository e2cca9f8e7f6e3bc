DROP PROCEDURE IF EXISTS order_timeout_sweep_batch;
DELIMITER $$
CREATE PROCEDURE order_timeout_sweep_batch (
    IN p_source_type BIGINT,
    IN p_cutoff DATETIME(3),
    IN p_limit INT UNSIGNED,
    INOUT p_run_id BIGINT UNSIGNED,
    INOUT p_after_due_from DATETIME(6),
    INOUT p_after_order_id BIGINT,
    OUT p_picked INT,
    OUT p_error_number INT,
    OUT p_error_state CHAR(5) CHARACTER SET ascii,
    OUT p_error_message VARCHAR(512) CHARACTER SET utf8mb4
)
    COMMENT 'Description: cancels one batch of the sweep in one transaction: all that can be locked at once, or none.
Leaves out orders on hold, and failed ones until their next try.
Parameters: p_source_type: the type; NULL: orders without one. p_cutoff: due is what is older. p_limit: at most so many.
p_run_id: order_timeout_run.id; NULL: it begins with the first order. p_after_due_from, p_after_order_id: behind this order; set to
the last one picked. p_picked: how many were picked.
p_error_number, p_error_state, p_error_message: NULL, or why all was rolled back.
Errors: the query was killed (1317) or the server shuts down (1053).'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_order_ids JSON;
    DECLARE v_last VARCHAR(64) CHARACTER SET ascii;
    DECLARE v_reached INT;
    DECLARE v_put_off INT;
    DECLARE v_was_paid, v_to_look_at BOOLEAN;
    DECLARE v_earlier_run_id BIGINT UNSIGNED DEFAULT p_run_id;
    DECLARE EXIT HANDLER FOR 1317, 1053 RESIGNAL;
    DECLARE EXIT HANDLER FOR {{> any_error}}
    BEGIN
        GET STACKED DIAGNOSTICS CONDITION 1
            p_error_number = MYSQL_ERRNO, p_error_state = RETURNED_SQLSTATE, p_error_message = MESSAGE_TEXT;
        ROLLBACK AND NO CHAIN NO RELEASE;
        IF p_picked IS NULL AND NOT p_error_number <=> 1205 /* lock wait: somebody alters a table */ THEN
            RESIGNAL;
        END IF;
        -- With max_error_count = 0 the server keeps no error to be told.
        SET p_error_number = COALESCE(p_error_number, 0),
            p_error_state = COALESCE(p_error_state, 'HY000'),
            p_error_message = COALESCE(p_error_message, 'unknown: max_error_count is 0 on this server'),
            p_picked = COALESCE(p_picked, 0),
            p_run_id = v_earlier_run_id;
    END;

    SET p_error_number = NULL, p_error_state = NULL, p_error_message = NULL;
    -- With autocommit off a look for what is due has begun a transaction.
    COMMIT AND NO CHAIN NO RELEASE;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION READ WRITE;
    -- Read without locks: the head of the index may be full of orders on hold.
    -- The greatest of the texts is the last of the orders: both parts have a fixed length, an id below 0 too.
    SELECT /*+ {{> session}} */
           COUNT(*), JSON_ARRAYAGG(due.order_id), MAX(CONCAT(due.due_from, ' ', LPAD(due.order_id + 9223372036854775808, 20, '0')))
      INTO p_picked, v_order_ids, v_last
      FROM (SELECT o.order_id, o.due_from
              FROM order_timeout_shop_pending AS o
              LEFT JOIN order_timeout_hold AS hold FORCE INDEX (PRIMARY) ON hold.order_id = o.order_id
              LEFT JOIN order_timeout_failure AS failure FORCE INDEX (PRIMARY) ON failure.order_id = o.order_id
             WHERE o.source_type <=> p_source_type
               AND o.due_from >= p_after_due_from
               AND o.due_from < p_cutoff
               AND (o.due_from > p_after_due_from OR o.order_id > p_after_order_id)
               AND (hold.held_until IS NULL OR hold.held_until <= SYSDATE(3))
               AND (failure.order_id IS NULL OR failure.retry_at <= SYSDATE(3))
             ORDER BY o.due_from, o.order_id
             LIMIT p_limit
           ) AS due;
    IF p_picked > 0 THEN
        SET p_after_due_from = LEFT(v_last, CHAR_LENGTH(v_last) - 21),
            p_after_order_id = CAST(RIGHT(v_last, 20) AS DECIMAL(20)) - 9223372036854775808;
        CALL order_timeout_lock_orders(p_source_type, p_cutoff, v_order_ids, v_reached, v_was_paid, v_put_off);
    END IF;
    IF v_order_ids IS NOT NULL OR v_put_off > 0 THEN
        CALL order_timeout_open_run(p_run_id);
        UPDATE order_timeout_run SET put_off = put_off + v_put_off WHERE id = p_run_id AND v_put_off > 0;
    END IF;
    IF v_order_ids IS NOT NULL THEN
        SELECT /*+ {{> session}} */ order_timeout_settle_orders(v_order_ids, v_reached, p_run_id) INTO v_to_look_at;
        IF v_to_look_at OR v_was_paid THEN
            CALL order_timeout_note_findings(v_order_ids, order_timeout_now());
        END IF;
    END IF;
    COMMIT AND NO CHAIN NO RELEASE;
END$$
DELIMITER ;
