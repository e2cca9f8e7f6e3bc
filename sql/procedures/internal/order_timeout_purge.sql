DROP PROCEDURE IF EXISTS order_timeout_purge;
DELIMITER $$
CREATE PROCEDURE order_timeout_purge ()
    COMMENT 'Deletes runs and cancellations older than retention_days, but for half-done calls, oldest first: at most 100 runs, 200 batches and
10000 cancellations at a time. Refunds stay: their keys are what makes a second refund impossible.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_before DATETIME(3);
    DECLARE v_first_run_id BIGINT UNSIGNED;
    DECLARE v_last_position BIGINT UNSIGNED;
    DECLARE v_batch_ids JSON;

    SELECT CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', clock) - INTERVAL retention_days DAY
      INTO v_before
      FROM order_timeout_setting;
    SELECT MIN(id)
      INTO v_first_run_id
      FROM order_timeout_run;
    SELECT MAX(position)
      INTO v_last_position
      FROM order_timeout_batch;

    DELETE FROM order_timeout_run
     WHERE id < v_first_run_id + 100 AND started_at < v_before AND finished_at IS NOT NULL;

    -- The last batch that was read stays: without it the feed would begin at 1 again, behind its readers.
    SELECT JSON_ARRAYAGG(old.id)
      INTO v_batch_ids
      FROM (SELECT sized.id, SUM(sized.cancellations) OVER (ORDER BY sized.id) AS cancellations_so_far
              FROM (SELECT head.id,
                           (SELECT COUNT(*) FROM order_timeout_cancellation WHERE batch_id = head.id) AS cancellations
                      FROM (SELECT id, created_at, position
                              FROM order_timeout_batch AS batch
                             WHERE settled OR NOT EXISTS (SELECT 1 FROM order_timeout_half_done WHERE batch_id = batch.id)
                             ORDER BY id
                             LIMIT 200) AS head
                     WHERE head.created_at < v_before AND (head.position IS NULL OR head.position < v_last_position)
                   ) AS sized
           ) AS old
     WHERE old.cancellations_so_far <= 10000 /* the most that one batch can have */;

    -- In this order: a scan of the batches would wait for those of transactions that are still open.
    DELETE /*+ JOIN_FIXED_ORDER() */ cancellation, batch
      FROM JSON_TABLE(COALESCE(v_batch_ids, '[]'), '$[*]' COLUMNS (batch_id BIGINT UNSIGNED PATH '$')) AS old
      JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY) ON batch.id = old.batch_id
      LEFT JOIN order_timeout_cancellation AS cancellation FORCE INDEX (PRIMARY) ON cancellation.batch_id = batch.id;
END$$
DELIMITER ;
