DROP PROCEDURE IF EXISTS order_timeout_reconcile_list;
DELIMITER $$
CREATE PROCEDURE order_timeout_reconcile_list (
    IN p_order_ids JSON,
    IN p_now DATETIME(3)
)
    COMMENT 'Description: looks at orders, together as far as they can be read. One that cannot, as the shop file''s own SQL raises an
error for it, is a finding and stops no other.
Parameters: as order_timeout_reconcile_orders().
Errors: those of order_timeout_reconcile_orders().'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_count INT DEFAULT COALESCE(JSON_LENGTH(p_order_ids), 0);
    DECLARE v_size INT DEFAULT v_count;
    DECLARE v_done INT DEFAULT 0;
    DECLARE v_order_ids JSON;
    DECLARE v_error_number INT;
    DECLARE v_error_message VARCHAR(512) CHARACTER SET utf8mb4;

    WHILE v_done < v_count DO
        SELECT JSON_ARRAYAGG(listed.order_id)
          INTO v_order_ids
          FROM JSON_TABLE(p_order_ids, '$[*]' COLUMNS (place FOR ORDINALITY, order_id BIGINT PATH '$')) AS listed
         WHERE listed.place BETWEEN v_done + 1 AND v_done + v_size;
        CALL order_timeout_reconcile_orders(v_order_ids, p_now, v_error_number, v_error_message);
        IF v_error_number IS NOT NULL AND v_size > 1 THEN
            SET v_size = v_size DIV 2;
        ELSE
            IF v_error_number IS NOT NULL THEN
                INSERT INTO order_timeout_finding (order_id, what, detail, opened_at)
                SELECT seen.order_id, 'unreadable', seen.detail, p_now
                  FROM (SELECT JSON_VALUE(v_order_ids, '$[0]' RETURNING SIGNED) AS order_id, 0 AS amount, 0 AS other_amount,
                               LEFT(CONCAT(v_error_number, ': ', v_error_message), 255) AS detail) AS seen
                    ON DUPLICATE KEY UPDATE {{> reopen_finding}};
                COMMIT AND NO CHAIN NO RELEASE;
            END IF;
            SET v_done = v_done + v_size,
                v_size = LEAST(2 * v_size, v_count - v_done);
        END IF;
    END WHILE;
END$$
DELIMITER ;
