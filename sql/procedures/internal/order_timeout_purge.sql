DROP PROCEDURE IF EXISTS order_timeout_purge;
DELIMITER $$
CREATE PROCEDURE order_timeout_purge ()
    COMMENT 'Deletes runs and cancellations older than retention_days, a few at a time, oldest first.
Refunds stay: their keys are what makes a second refund impossible.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_before DATETIME(3) DEFAULT (
        SELECT CONVERT_TZ(UTC_TIMESTAMP(3), '+00:00', clock) - INTERVAL retention_days DAY
          FROM order_timeout_setting);
    DECLARE v_first_run_id BIGINT UNSIGNED DEFAULT (SELECT MIN(id) FROM order_timeout_run);
    DECLARE v_first_batch_id BIGINT UNSIGNED DEFAULT (SELECT MIN(id) FROM order_timeout_batch);

    DELETE FROM order_timeout_run
     WHERE id < v_first_run_id + 100 AND started_at < v_before AND finished_at IS NOT NULL;
    DELETE cancellation, batch
      FROM order_timeout_batch AS batch
      LEFT JOIN order_timeout_cancellation AS cancellation ON cancellation.batch_id = batch.id
     WHERE batch.id < v_first_batch_id + 10 AND batch.created_at < v_before AND batch.settled;
END$$
DELIMITER ;
