DROP PROCEDURE IF EXISTS order_timeout_find_overlooked;
DELIMITER $$
CREATE PROCEDURE order_timeout_find_overlooked (
    IN p_met JSON,
    OUT p_is_overlooked BOOLEAN
)
    COMMENT 'Tells whether a settlement in the caller''s transaction has overlooked what another call for the order left half done:
the transaction''s snapshot may be older than that. Called when the order is settled.
Parameters: p_met: of order_timeout_settle(): whose claims it met. p_is_overlooked: 1: settle again.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_unknown JSON;

    -- What the snapshot sees settled stays so. The rest is read as it is now, by its key: no gap is locked.
    SELECT /*+ JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(met.batch_id)
      INTO v_unknown
      FROM JSON_TABLE(p_met, '$[*]' COLUMNS (batch_id BIGINT UNSIGNED PATH '$')) AS met
      LEFT JOIN order_timeout_batch AS seen FORCE INDEX (PRIMARY) ON seen.id = met.batch_id
     WHERE met.batch_id IS NOT NULL AND NOT COALESCE(seen.settled, 0);

    SET p_is_overlooked = FALSE;
    IF v_unknown IS NOT NULL THEN
        SELECT /*+ JOIN_FIXED_ORDER() */ COUNT(*) > 0
          INTO p_is_overlooked
          FROM JSON_TABLE(v_unknown, '$[*]' COLUMNS (batch_id BIGINT UNSIGNED PATH '$')) AS met
          JOIN order_timeout_batch AS batch FORCE INDEX (PRIMARY) ON batch.id = met.batch_id AND NOT batch.settled
           FOR SHARE OF batch;
    END IF;
END$$
DELIMITER ;
