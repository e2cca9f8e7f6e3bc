-- The floor: the rows that the engine writes, and nothing but the writing. No look for what is due, no lock
-- before it, no amount computed, no check. For the bench only.

DROP PROCEDURE IF EXISTS bench_write_range;
DROP PROCEDURE IF EXISTS bench_write_all;

DELIMITER $$
CREATE PROCEDURE bench_write_range (
    IN p_range_no INT,
    IN p_run_id BIGINT UNSIGNED,
    IN p_now DATETIME(3)
)
    COMMENT 'Writes what cancelling the orders of one range of 500 primary keys comes to.
Parameters: p_range_no: orders.id DIV 500. p_run_id: order_timeout_run.id. p_now: in the shop''s clock.'
    MODIFIES SQL DATA
BEGIN
    DECLARE v_batch_id BIGINT UNSIGNED;

    INSERT INTO order_timeout_batch
           (cause, remark, called_by, run_id, order_ids, created_at, coupons_given, points_given, settled)
    SELECT 'timeout', 'order_timeout', USER(), p_run_id, COALESCE(JSON_ARRAYAGG(order_id), JSON_ARRAY()), p_now, 1, 1, 1
      FROM bench_cancellation
     WHERE range_no = p_range_no;
    SET v_batch_id = LAST_INSERT_ID();

    INSERT INTO order_timeout_refund
           (order_id, kind, target_id, batch_id, user_id, account_id, amount, source, cause, stays_held, refunded_at)
    SELECT order_id, kind, target_id, v_batch_id, user_id, account_id, amount, source, 'timeout', stays_held, p_now
      FROM bench_refund
     WHERE range_no = p_range_no;

    UPDATE bench_coupon STRAIGHT_JOIN user_coupons ON user_coupons.id = bench_coupon.coupon_id
       SET user_coupons.balance_amount = user_coupons.balance_amount + bench_coupon.amount,
           user_coupons.status = 1 /* usable */,
           user_coupons.used_order_id = NULL,
           user_coupons.used_at = NULL
     WHERE bench_coupon.range_no = p_range_no;
    INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
    SELECT user_id, target_id, amount, order_id, 'timeout_refund', p_now
      FROM bench_refund
     WHERE range_no = p_range_no AND kind = 'coupon';

    INSERT INTO user_points (id, user_id, points, valid_end)
    SELECT account_id, user_id, 0, NULL
      FROM bench_points
     WHERE range_no = p_range_no AND is_new;
    UPDATE bench_points STRAIGHT_JOIN user_points ON user_points.id = bench_points.account_id
       SET user_points.points = user_points.points + bench_points.amount
     WHERE bench_points.range_no = p_range_no;
    INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, remark, created_at)
    SELECT user_id, 'timeout_refund', amount, 'orders', CONCAT(order_id), 'order_timeout', p_now
      FROM bench_refund
     WHERE range_no = p_range_no AND kind = 'points';

    INSERT INTO order_timeout_cancellation
           (batch_id, order_id, user_id, source_type, cause, run_id, cancelled_at)
    SELECT v_batch_id, order_id, user_id, source_type, 'timeout', p_run_id, p_now
      FROM bench_cancellation
     WHERE range_no = p_range_no;
    UPDATE orders
       SET status = 3 /* cancelled */,
           cancelled_at = p_now
     WHERE id BETWEEN p_range_no * 500 AND p_range_no * 500 + 499;
END$$

CREATE PROCEDURE bench_write_all ()
    COMMENT 'Writes range by range, each in a transaction.'
    MODIFIES SQL DATA
BEGIN
    DECLARE v_range_no INT DEFAULT (SELECT MIN(range_no) FROM bench_cancellation);
    DECLARE v_last_range_no INT DEFAULT (SELECT MAX(range_no) FROM bench_cancellation);
    DECLARE v_run_id BIGINT UNSIGNED;

    INSERT INTO order_timeout_run (started_at) VALUES (UTC_TIMESTAMP(3));
    SET v_run_id = LAST_INSERT_ID();
    WHILE v_range_no <= v_last_range_no DO
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        CALL bench_write_range(v_range_no, v_run_id, UTC_TIMESTAMP(3));
        COMMIT;
        SET v_range_no = v_range_no + 1;
    END WHILE;
END$$
DELIMITER ;
