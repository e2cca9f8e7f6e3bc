-- Fills the example shop. Not part of a deployment.
-- The times are in the session's time zone, which is the shop's clock.

DROP PROCEDURE IF EXISTS generate_orders;
DROP PROCEDURE IF EXISTS generate_order_plan;
DROP PROCEDURE IF EXISTS generate_coupons;
DROP PROCEDURE IF EXISTS generate_points;

DELIMITER $$
CREATE PROCEDURE generate_orders (
    IN p_kind VARCHAR(16),
    IN p_orders INT,
    IN p_seed INT
)
    COMMENT 'Adds orders of one kind to the example shop, in a realistic mix of coupons and points.
Every balance is the sum of its ledger, before and after a refund.
Parameters: p_kind: due, young, excluded, paid or cancelled. p_orders: how many, at most 1000000.
p_seed: the same seed gives the same mix.
Mix of coupons: 45 % held for the order, 15 % taken from a balance, 10 % used up and known from the ledger only,
5 % two coupons on the order, 5 % one coupon shared by up to 100 orders, 20 % none.
Half of the orders took points; every tenth user has no user_points row.
Example: CALL generate_orders(''due'', 30000, 1)'
    MODIFIES SQL DATA
BEGIN
    START TRANSACTION;
    CALL generate_order_plan(p_kind, p_orders, p_seed);

    INSERT INTO orders
           (id, order_no, user_id, source_type, status, total_amount, discount_amount, points_amount,
            actual_amount, coupon_id, paid_at, cancelled_at, created_at, updated_at)
    SELECT order_id,
           CONCAT('NO', LPAD(order_id, 12, '0')),
           user_id,
           CASE WHEN p_kind = 'excluded' THEN 3
                WHEN pattern IN ('balance', 'ledger') THEN 4
                ELSE 1 + order_id % 2 END,
           CASE p_kind WHEN 'paid' THEN 2 WHEN 'cancelled' THEN 3 ELSE 1 END,
           5000 + points, amount + second_amount, points, 5000 - amount - second_amount,
           IF(pattern = 'two', 0, coupon_id),
           IF(p_kind = 'paid', created_at + INTERVAL 5 MINUTE, NULL),
           IF(p_kind = 'cancelled', returned_at, NULL),
           created_at, COALESCE(returned_at, created_at)
      FROM order_plan;
    CALL generate_coupons(p_kind);
    CALL generate_points(p_kind);

    DROP TEMPORARY TABLE order_plan;
    COMMIT;
END$$

CREATE PROCEDURE generate_order_plan (
    IN p_kind VARCHAR(16),
    IN p_orders INT,
    IN p_seed INT
)
    COMMENT 'Rolls the dice for generate_orders(): makes the temporary table order_plan, one row per order.
Ids begin behind what the shop has; a user''s orders are neighbours.
Parameters: as generate_orders().'
    MODIFIES SQL DATA
BEGIN
    DECLARE v_first_order BIGINT DEFAULT (SELECT COALESCE(MAX(id), 0) FROM orders) + 1;
    DECLARE v_first_coupon BIGINT DEFAULT (SELECT COALESCE(MAX(id), 0) FROM user_coupons) + 1;
    DECLARE v_now DATETIME(3) DEFAULT NOW(3);

    DROP TEMPORARY TABLE IF EXISTS order_plan;
    CREATE TEMPORARY TABLE order_plan (
        order_id BIGINT NOT NULL PRIMARY KEY,
        user_id BIGINT NOT NULL,
        pattern VARCHAR(8) NOT NULL,
        coupon_id BIGINT NOT NULL,
        second_coupon_id BIGINT NOT NULL,
        amount BIGINT NOT NULL,
        second_amount BIGINT NOT NULL,
        points BIGINT NOT NULL,
        has_points_row BOOLEAN NOT NULL,
        return_action VARCHAR(32) NOT NULL,
        created_at DATETIME(3) NOT NULL,
        returned_at DATETIME(3) NULL
    ) ENGINE = InnoDB;

    INSERT INTO order_plan
    WITH RECURSIVE
    digit (d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM digit WHERE d < 9),
    sequence (n) AS (
        SELECT ones.d + 10 * tens.d + 100 * hundreds.d + 1000 * thousands.d
               + 10000 * ten_thousands.d + 100000 * hundred_thousands.d
          FROM digit AS hundred_thousands, digit AS ten_thousands, digit AS thousands,
               digit AS hundreds, digit AS tens, digit AS ones
         WHERE hundred_thousands.d <= p_orders DIV 100000
    ),
    rolled AS (
        SELECT n,
               CRC32(CONCAT(p_seed, ':coupon:', n)) % 100 AS coupon_roll,
               CRC32(CONCAT(p_seed, ':points:', n)) % 100 AS points_roll,
               CRC32(CONCAT(p_seed, ':amount:', n)) % 200 AS amount_roll,
               CRC32(CONCAT(p_seed, ':user:', n DIV 3)) % 10 AS user_roll
          FROM sequence
         WHERE n < p_orders
    ),
    patterned AS (
        SELECT rolled.*,
               CASE WHEN coupon_roll < 45 THEN 'held'
                    WHEN coupon_roll < 60 THEN 'balance'
                    WHEN coupon_roll < 70 THEN 'ledger'
                    WHEN coupon_roll < 75 THEN 'two'
                    WHEN coupon_roll < 80 THEN 'shared'
                    ELSE 'none' END AS pattern,
               v_now - INTERVAL CASE p_kind WHEN 'young' THEN n % 1200
                                            WHEN 'due' THEN 3600 + (p_orders - n) DIV 10
                                            ELSE 86400 + (p_orders - n) DIV 10 END SECOND AS created_at
          FROM rolled
    )
    SELECT v_first_order + n,
           -- A shared coupon has one user, and so have three orders in a row.
           IF(pattern = 'shared', 1000000000 + v_first_order + n DIV 2000, 1000000 + v_first_order + n DIV 3),
           pattern,
           CASE pattern WHEN 'none' THEN 0
                        WHEN 'shared' THEN v_first_coupon + p_orders * 2 + n DIV 2000
                        ELSE v_first_coupon + n END,
           IF(pattern = 'two', v_first_coupon + p_orders + n, 0),
           IF(pattern = 'none', 0, 100 + 10 * amount_roll),
           IF(pattern = 'two', 300, 0),
           IF(points_roll < 50, 10 + points_roll * 10, 0),
           user_roll > 0 OR pattern = 'shared',
           IF(n % 2, 'timeout_refund', 'cancel_refund'),
           created_at,
           IF(p_kind = 'cancelled', created_at + INTERVAL IF(n % 2, 31, 10) MINUTE, NULL)
      FROM patterned;
END$$

CREATE PROCEDURE generate_coupons (
    IN p_kind VARCHAR(16)
)
    COMMENT 'Writes the coupons of the orders in order_plan, what was taken from them, and what came back.
Parameters: as generate_orders().'
    MODIFIES SQL DATA
BEGIN
    DECLARE v_came_back BOOLEAN DEFAULT p_kind = 'cancelled';

    INSERT INTO user_coupons
           (id, user_id, status, balance_amount, used_order_id, used_at, created_at, updated_at)
    SELECT coupon_id, MIN(user_id),
           CASE WHEN v_came_back OR pattern NOT IN ('held', 'ledger') THEN 1 /* usable */
                WHEN pattern = 'held' AND p_kind <> 'paid' THEN 4 /* held */
                ELSE 2 /* used up */ END,
           IF(v_came_back, SUM(amount), 0)
               + CASE pattern WHEN 'balance' THEN 500 WHEN 'shared' THEN 100000 ELSE 0 END,
           IF(NOT v_came_back AND pattern IN ('held', 'ledger'), MIN(order_id), NULL),
           IF(NOT v_came_back AND pattern IN ('held', 'ledger'), MIN(created_at), NULL),
           MIN(created_at), MIN(created_at)
      FROM order_plan
     WHERE pattern <> 'none'
     GROUP BY coupon_id, pattern;
    INSERT INTO user_coupons (id, user_id, status, balance_amount, created_at, updated_at)
    SELECT second_coupon_id, user_id, 1 /* usable */, IF(v_came_back, second_amount, 0), created_at, created_at
      FROM order_plan
     WHERE pattern = 'two';

    INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount, created_at)
    SELECT order_id, coupon_id, amount, created_at
      FROM order_plan
     WHERE pattern NOT IN ('none', 'ledger');
    INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount, created_at)
    SELECT order_id, second_coupon_id, second_amount, created_at
      FROM order_plan
     WHERE pattern = 'two';

    -- The grant is what the coupon has now and what was taken from it, less what came back.
    INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
    SELECT MIN(user_id), coupon_id,
           SUM(amount) + CASE pattern WHEN 'balance' THEN 500 WHEN 'shared' THEN 100000 ELSE 0 END,
           0, 'grant', MIN(created_at) - INTERVAL 1 DAY
      FROM order_plan
     WHERE pattern <> 'none'
     GROUP BY coupon_id, pattern;
    INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
    SELECT user_id, second_coupon_id, second_amount, 0, 'grant', created_at - INTERVAL 1 DAY
      FROM order_plan
     WHERE pattern = 'two';
    INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
    SELECT user_id, coupon_id, -amount, order_id,
           IF(pattern IN ('balance', 'ledger'), 'usage', 'reserve'), created_at
      FROM order_plan
     WHERE pattern <> 'none';
    INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
    SELECT user_id, second_coupon_id, -second_amount, order_id, 'reserve', created_at
      FROM order_plan
     WHERE pattern = 'two';

    IF v_came_back THEN
        INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
        SELECT user_id, coupon_id, amount, order_id, return_action, returned_at
          FROM order_plan
         WHERE pattern <> 'none';
        INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
        SELECT user_id, second_coupon_id, second_amount, order_id, return_action, returned_at
          FROM order_plan
         WHERE pattern = 'two';
    END IF;
END$$

CREATE PROCEDURE generate_points (
    IN p_kind VARCHAR(16)
)
    COMMENT 'Writes the points that the orders in order_plan took, and what came back.
Parameters: as generate_orders().'
    MODIFIES SQL DATA
BEGIN
    DECLARE v_came_back BOOLEAN DEFAULT p_kind = 'cancelled';

    INSERT INTO user_points (user_id, points, created_at, updated_at)
    SELECT user_id, IF(v_came_back, SUM(points), 0) + IF(MAX(has_points_row), 100, 0),
           MIN(created_at), MIN(created_at)
      FROM order_plan
     WHERE points > 0 AND (has_points_row OR v_came_back)
     GROUP BY user_id;

    -- The grant is what the user has now and what was taken, less what came back.
    INSERT INTO user_points_ledger (user_id, action, points, created_at)
    SELECT user_id, 'grant', SUM(points) + IF(MAX(has_points_row), 100, 0), MIN(created_at) - INTERVAL 1 DAY
      FROM order_plan
     WHERE points > 0
     GROUP BY user_id;
    INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, created_at)
    SELECT user_id, 'order_deduct', -points, 'orders', CONCAT(order_id), created_at
      FROM order_plan
     WHERE points > 0;
    INSERT INTO user_points_ledger (user_id, action, points, ref_table, ref_id, remark, created_at)
    SELECT user_id, return_action, points, 'orders', CONCAT(order_id),
           IF(return_action = 'timeout_refund', 'order_timeout', 'order_cancel'), returned_at
      FROM order_plan
     WHERE points > 0 AND v_came_back;
END$$
DELIMITER ;
