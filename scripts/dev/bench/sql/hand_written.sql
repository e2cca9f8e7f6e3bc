-- The procedures that a careful person would write by hand for one order: one transaction, coupon by coupon.
-- They give back what the engine gives back, and keep no journal. For the bench only.

DROP PROCEDURE IF EXISTS bench_cancel_one;
DROP PROCEDURE IF EXISTS bench_cancel_in_transaction;
DROP PROCEDURE IF EXISTS bench_return_coupons;
DROP PROCEDURE IF EXISTS bench_return_points;

DELIMITER $$
CREATE PROCEDURE bench_return_coupons (
    IN p_order_id BIGINT,
    IN p_user_id BIGINT,
    IN p_now DATETIME(3)
)
    COMMENT 'Gives the coupons of an order what was taken from them.
Parameters: p_order_id: orders.id, locked by the caller. p_user_id: orders.user_id. p_now: in the shop''s clock.'
    MODIFIES SQL DATA
BEGIN
    DECLARE v_done BOOLEAN DEFAULT FALSE;
    DECLARE v_coupon_id BIGINT;
    DECLARE v_applied BIGINT;
    DECLARE v_taken BIGINT;
    DECLARE v_returned BIGINT;
    DECLARE v_timed_out BOOLEAN;
    DECLARE v_amount BIGINT;
    DECLARE coupons_of_order CURSOR FOR
        SELECT named.coupon_id, COALESCE(MAX(named.applied), 0)
          FROM (SELECT coupon_id, NULL AS applied FROM orders WHERE id = p_order_id
                 UNION ALL
                SELECT user_coupon_id, applied_amount FROM order_coupons WHERE order_id = p_order_id) AS named
         WHERE named.coupon_id > 0
         GROUP BY named.coupon_id
         ORDER BY named.coupon_id;
    DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_done = TRUE;

    OPEN coupons_of_order;
    each_coupon: LOOP
        FETCH coupons_of_order INTO v_coupon_id, v_applied;
        IF v_done THEN
            LEAVE each_coupon;
        END IF;

        DO (SELECT id FROM user_coupons WHERE id = v_coupon_id FOR UPDATE);
        SELECT COALESCE(SUM(IF(change_amount < 0 AND action IN ('reserve', 'usage'), -change_amount, 0)), 0),
               COALESCE(SUM(GREATEST(change_amount, 0)), 0),
               COALESCE(MAX(action = 'timeout_refund'), 0)
          INTO v_taken, v_returned, v_timed_out
          FROM user_coupon_ledger
         WHERE order_id = p_order_id AND user_coupon_id + 0 = v_coupon_id;

        SET v_amount = IF(v_timed_out, 0, IF(v_applied > 0, v_applied, v_taken) - v_returned);
        IF v_amount > 0 THEN
            UPDATE user_coupons
               SET balance_amount = balance_amount + v_amount,
                   status = 1 /* usable */,
                   used_order_id = NULL,
                   used_at = NULL
             WHERE id = v_coupon_id;
            INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
            VALUES (p_user_id, v_coupon_id, v_amount, p_order_id, 'timeout_refund', p_now);
        END IF;
    END LOOP;
    CLOSE coupons_of_order;
END$$

CREATE PROCEDURE bench_return_points (
    IN p_order_id BIGINT,
    IN p_user_id BIGINT,
    IN p_points BIGINT,
    IN p_now DATETIME(3)
)
    COMMENT 'Gives back the points that an order took.
Parameters: p_order_id: orders.id, locked by the caller. p_user_id: orders.user_id. p_points: orders.points_amount.
p_now: in the shop''s clock.'
    MODIFIES SQL DATA
BEGIN
    DECLARE v_account_id BIGINT;
    DECLARE v_amount BIGINT DEFAULT p_points - (
        SELECT COALESCE(SUM(GREATEST(points, 0)), 0)
          FROM user_points_ledger
         WHERE user_id = p_user_id AND ref_table = 'orders' AND ref_id = CONCAT(p_order_id));

    IF v_amount > 0 THEN
        SET v_account_id = (SELECT id FROM user_points WHERE user_id = p_user_id ORDER BY id LIMIT 1 FOR UPDATE);
        IF v_account_id IS NULL THEN
            INSERT INTO user_points (user_id, points, valid_end) VALUES (p_user_id, v_amount, NULL);
        ELSE
            UPDATE user_points SET points = points + v_amount WHERE id = v_account_id;
        END IF;
        INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, remark, created_at)
        VALUES (p_user_id, 'timeout_refund', v_amount, 'orders', CONCAT(p_order_id), 'order_timeout', p_now);
    END IF;
END$$

CREATE PROCEDURE bench_cancel_in_transaction (
    IN p_order_id BIGINT,
    OUT p_outcome VARCHAR(16)
)
    COMMENT 'Cancels one order in a transaction of its own.
Parameters: p_order_id: orders.id. p_outcome: cancelled or not_due.'
    MODIFIES SQL DATA
BEGIN
    DECLARE v_now DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
    DECLARE v_user_id BIGINT;
    DECLARE v_points BIGINT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION;
    SELECT MAX(user_id), MAX(points_amount)
      INTO v_user_id, v_points
      FROM orders
     WHERE id = p_order_id
       AND status = 1 /* pending */
       AND source_type <> 3 /* has a cleanup task of its own */
       AND created_at < v_now - INTERVAL 30 MINUTE
       FOR UPDATE;
    IF v_user_id IS NOT NULL THEN
        CALL bench_return_coupons(p_order_id, v_user_id, v_now);
        IF v_points > 0 THEN
            CALL bench_return_points(p_order_id, v_user_id, v_points, v_now);
        END IF;
        UPDATE orders SET status = 3 /* cancelled */, cancelled_at = v_now WHERE id = p_order_id;
    END IF;
    COMMIT;
    SET p_outcome = IF(v_user_id IS NULL, 'not_due', 'cancelled');
END$$

CREATE PROCEDURE bench_cancel_one (
    IN p_order_id BIGINT
)
    COMMENT 'What an application would call for one order.
Parameters: p_order_id: orders.id.
Result: 1 row: order_id, outcome.'
    MODIFIES SQL DATA
BEGIN
    DECLARE v_outcome VARCHAR(16);

    CALL bench_cancel_in_transaction(p_order_id, v_outcome);
    SELECT p_order_id AS order_id, v_outcome AS outcome;
END$$
DELIMITER ;
