DROP PROCEDURE IF EXISTS order_timeout_purge;
DELIMITER $$
CREATE PROCEDURE order_timeout_purge (
    IN p_now DATETIME(3),
    OUT p_purged_at DATETIME(3)
)
    COMMENT 'Description: clears away what is older than retention_days, oldest first: at most 1000 runs, 1000 holds and 10000
cancellations, of 1000 batches, at a time; the sweep calls it once an hour, or every run while there is more. Refunds stay: their keys
are what makes a second refund impossible. What somebody holds locked is cleared away another time.
Parameters: p_now: in the shop''s clock. p_purged_at: p_now; NULL: there is more.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_before DATETIME(3);
    DECLARE v_last_position BIGINT UNSIGNED;
    DECLARE v_batch_ids JSON;
    DECLARE v_holds INT;
    DECLARE EXIT HANDLER FOR 1205 /* lock wait */, 1213 /* deadlock */ ROLLBACK AND NO CHAIN NO RELEASE;

    SELECT p_now - INTERVAL retention_days DAY INTO v_before FROM order_timeout_setting;
    -- The last batch that was read stays: should the server's clock be set back, the next position is still beyond it.
    SELECT MAX(position) INTO v_last_position FROM order_timeout_batch;
    SELECT JSON_ARRAYAGG(old.id)
      INTO v_batch_ids
      FROM (SELECT sized.id, SUM(COUNT(*)) OVER (ORDER BY sized.id) AS cancellations_so_far
              FROM (SELECT /*+ JOIN_FIXED_ORDER() */ done.id
                      FROM (SELECT head.id
                              FROM (SELECT id, created_at, position FROM order_timeout_batch ORDER BY id LIMIT 1000) AS head
                             WHERE head.created_at < v_before AND (head.position IS NULL OR head.position < v_last_position)
                               -- What is owed is known by its orders.
                               AND head.id NOT IN (SELECT batch_id FROM order_timeout_owed)
                             ORDER BY head.id
                             LIMIT 1000) AS done
                      LEFT JOIN order_timeout_cancellation AS cancellation FORCE INDEX (PRIMARY) ON cancellation.batch_id = done.id
                     -- The counting ends here: a thousand large batches have half a million.
                     LIMIT 10001) AS sized
             GROUP BY sized.id) AS old
     WHERE old.cancellations_so_far <= 10000 /* the most that one batch can have */;

    COMMIT AND NO CHAIN NO RELEASE;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION READ WRITE;
    DELETE FROM order_timeout_run
     WHERE started_at < v_before AND finished_at IS NOT NULL
     ORDER BY started_at
     LIMIT 1000;
    DELETE FROM order_timeout_hold
     WHERE held_until < v_before
     ORDER BY held_until
     LIMIT 1000;
    SET v_holds = ROW_COUNT();
    -- In this order: a scan of the batches would wait for those of transactions that are still open.
    DELETE /*+ SET_VAR(sql_safe_updates=0) JOIN_FIXED_ORDER() */ cancellation, batch
      FROM JSON_TABLE(COALESCE(v_batch_ids, '[]'), '$[*]' COLUMNS (batch_id BIGINT UNSIGNED PATH '$')) AS old
      JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY) ON batch.id = old.batch_id
      LEFT JOIN order_timeout_cancellation AS cancellation FORCE INDEX (PRIMARY) ON cancellation.batch_id = batch.id;
    COMMIT AND NO CHAIN NO RELEASE;
    SET p_purged_at = IF(v_batch_ids IS NULL AND v_holds < 1000, p_now, NULL);
END$$
DELIMITER ;
