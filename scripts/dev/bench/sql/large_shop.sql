-- Makes a shop large by copying its first orders, without what they took. For the bench only.

DROP PROCEDURE IF EXISTS bench_copy_orders;
DROP PROCEDURE IF EXISTS bench_make_young;

DELIMITER $$
CREATE PROCEDURE bench_copy_orders (
    IN p_block INT,
    IN p_nth INT
)
    COMMENT 'Copies the first orders once more.
Parameters: p_block: how many. p_nth: the copy''s number, from 1.'
    MODIFIES SQL DATA
BEGIN
    INSERT INTO orders
           (id, order_no, user_id, source_type, status, total_amount, discount_amount, points_amount,
            actual_amount, coupon_id, paid_at, cancelled_at, created_at, updated_at)
    SELECT id + p_block * p_nth, CONCAT('NO', LPAD(id + p_block * p_nth, 12, '0')), user_id + p_block * p_nth,
           source_type, status, total_amount, discount_amount, points_amount,
           actual_amount, coupon_id, paid_at, cancelled_at, created_at, updated_at
      FROM orders
     WHERE id <= p_block;
END$$

CREATE PROCEDURE bench_make_young ()
    COMMENT 'Has the orders that can time out wait for payment for up to 20 minutes, whenever they were loaded.'
    MODIFIES SQL DATA
BEGIN
    UPDATE orders
       SET created_at = UTC_TIMESTAMP(3) - INTERVAL id % 1200 SECOND
     WHERE status = 1 /* pending */
       AND source_type <> 3 /* has a cleanup task of its own */;
END$$
DELIMITER ;
