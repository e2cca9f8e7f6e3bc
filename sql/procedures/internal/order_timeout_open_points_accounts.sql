DROP PROCEDURE IF EXISTS order_timeout_open_points_accounts;
DELIMITER $$
CREATE PROCEDURE order_timeout_open_points_accounts (
    IN p_order_ids JSON
)
    COMMENT 'Gives users to whom points of these orders are to come back a points row, if they have none. It is ours, and empty.
Parameters: p_order_ids: orders.id, locked by the caller.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    INSERT INTO user_points (user_id, points, valid_end)
    SELECT /*+ JOIN_FIXED_ORDER() */
           DISTINCT orders.user_id, 0, NULL
      FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (order_id BIGINT PATH '$')) AS picked
      JOIN orders FORCE INDEX (PRIMARY) ON orders.id = picked.order_id
      LEFT JOIN user_points AS present ON present.user_id = orders.user_id
      JOIN order_timeout_points_due AS due ON due.order_id = orders.id
     WHERE present.id IS NULL AND due.due > 0
        ON DUPLICATE KEY UPDATE user_points.points = user_points.points;
END$$
DELIMITER ;
