DROP PROCEDURE IF EXISTS order_timeout_number_batches;
DELIMITER $$
CREATE PROCEDURE order_timeout_number_batches (
    IN p_after_position BIGINT
)
    COMMENT 'Description: gives batches that have none yet their position in the feed, up to 10000 at a time. Auto-increment order is not
commit order, so the numbers are given after the commit, by one session at a time. They go up with the time, in microseconds: a
database that has lost its last ones, as a backup or a replica that lagged, gives none of them again.
Parameters: p_after_position: the reader''s place.
Errors: 50004 the reader is ahead of the positions that would be given; nothing is numbered then, as it would never see it.
50005 another session did not end within 10 seconds.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_lock VARCHAR(64) CHARACTER SET ascii DEFAULT CONCAT('order_timeout_feed:', LEFT(SHA2(DATABASE(), 256), 40));
    DECLARE v_batch_ids JSON;
    DECLARE v_last_position BIGINT UNSIGNED;
    DECLARE v_message VARCHAR(128) CHARACTER SET utf8mb4;
    DECLARE EXIT HANDLER FOR {{> any_error}}
    BEGIN
        ROLLBACK AND NO CHAIN NO RELEASE;
        CALL order_timeout_release_lock(v_lock);
        RESIGNAL;
    END;

    IF NOT GET_LOCK(v_lock, 10) THEN
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50005,
            MESSAGE_TEXT = 'FEED_BUSY: another reader of the cancellations is at work for more than 10 seconds: call again';
    END IF;

    COMMIT AND NO CHAIN NO RELEASE;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION READ WRITE;
    SELECT /*+ SET_VAR(time_zone='+00:00') */
           GREATEST(COALESCE(head.position, 0), TIMESTAMPDIFF(MICROSECOND, '1970-01-01', SYSDATE(6)))
      INTO v_last_position
      FROM (SELECT MAX(position) AS position FROM order_timeout_batch) AS head;
    IF p_after_position > v_last_position THEN
        SET v_message = CONCAT('INVALID_NUMBER: p_after_position is ', p_after_position, ', and no position here is beyond ', v_last_position,
                               '; see docs/feed.md');
        SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 50004, MESSAGE_TEXT = v_message;
    END IF;
    SELECT JSON_ARRAYAGG(unnumbered.id)
      INTO v_batch_ids
      FROM (SELECT id FROM order_timeout_batch WHERE position IS NULL ORDER BY id LIMIT 10000) AS unnumbered;
    UPDATE /*+ SET_VAR(sql_safe_updates=0) JOIN_FIXED_ORDER() */
           (SELECT batch_id, ROW_NUMBER() OVER (ORDER BY batch_id) AS nth
              FROM JSON_TABLE(COALESCE(v_batch_ids, '[]'), '$[*]' COLUMNS (batch_id BIGINT UNSIGNED PATH '$')) AS listed
           ) AS unnumbered
      JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY) ON batch.id = unnumbered.batch_id
       SET batch.position = v_last_position + unnumbered.nth;
    COMMIT AND NO CHAIN NO RELEASE;
    CALL order_timeout_release_lock(v_lock);
END$$
DELIMITER ;
