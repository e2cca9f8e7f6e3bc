-- Fills the example shop. Not part of a deployment.
DELIMITER $$
CREATE PROCEDURE generate_orders (
    IN p_kind VARCHAR(16),
    IN p_orders INT,
    IN p_seed INT
)
    COMMENT 'Adds orders of one kind to the example shop, in a realistic mix of coupons and points.
Parameters: p_kind: due, young, excluded, paid or cancelled. p_orders: how many. p_seed: the same seed gives the same mix.
Mix of coupons: 45 % held for the order, 15 % taken from a balance, 10 % used up and known from the ledger only,
5 % two coupons on the order, 5 % one coupon shared by up to 100 orders, 20 % none.
Half of the orders took points; every tenth of these users has no user_points row.
Example: CALL generate_orders(''due'', 30000, 1)'
    MODIFIES SQL DATA
BEGIN
    DECLARE v_first_order BIGINT DEFAULT (SELECT COALESCE(MAX(id), 0) FROM orders) + 1;
    DECLARE v_first_coupon BIGINT DEFAULT (SELECT COALESCE(MAX(id), 0) FROM user_coupons) + 1;
    DECLARE v_now DATETIME(3) DEFAULT UTC_TIMESTAMP(3);

    DROP TEMPORARY TABLE IF EXISTS generated_order;
    CREATE TEMPORARY TABLE generated_order (
        order_id BIGINT NOT NULL PRIMARY KEY,
        user_id BIGINT NOT NULL,
        pattern VARCHAR(8) NOT NULL,
        coupon_id BIGINT NOT NULL,
        second_coupon_id BIGINT NOT NULL,
        amount BIGINT NOT NULL,
        points BIGINT NOT NULL,
        has_points_row BOOLEAN NOT NULL,
        created_at DATETIME(3) NOT NULL
    );

    INSERT INTO generated_order
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
               CRC32(CONCAT(p_seed, ':amount:', n)) % 200 AS amount_roll
          FROM sequence
         WHERE n < p_orders
    )
    SELECT v_first_order + n,
           1000000 + (v_first_order + n) DIV IF(coupon_roll BETWEEN 75 AND 79, 100, 3)
                   + IF(points_roll < 5, 500000000, 0)
                   + IF(coupon_roll BETWEEN 75 AND 79, 900000000, 0),
           CASE WHEN coupon_roll < 45 THEN 'held'
                WHEN coupon_roll < 60 THEN 'balance'
                WHEN coupon_roll < 70 THEN 'ledger'
                WHEN coupon_roll < 75 THEN 'two'
                WHEN coupon_roll < 80 THEN 'shared'
                ELSE 'none' END,
           v_first_coupon + IF(coupon_roll BETWEEN 75 AND 79, n - n % 100 + p_orders * 2, n),
           v_first_coupon + p_orders + n,
           100 + 10 * amount_roll,
           IF(points_roll < 50, 10 + points_roll * 10, 0),
           points_roll >= 5,
           v_now - INTERVAL CASE p_kind WHEN 'young' THEN n % 1200
                                        WHEN 'due' THEN 3600 + (p_orders - n) DIV 10
                                        ELSE 86400 + (p_orders - n) DIV 10 END SECOND
      FROM rolled;

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
           amount * 5, IF(pattern = 'none', 0, amount), points, amount * 4,
           IF(pattern IN ('none', 'two'), 0, coupon_id),
           IF(p_kind = 'paid', created_at + INTERVAL 5 MINUTE, NULL),
           IF(p_kind = 'cancelled', created_at + INTERVAL 31 MINUTE, NULL),
           created_at, created_at
      FROM generated_order;

    INSERT INTO user_coupons
           (id, user_id, status, balance_amount, used_order_id, used_at, created_at, updated_at)
    SELECT coupon_id, MIN(user_id),
           IF(p_kind = 'cancelled', 1,
              CASE pattern WHEN 'held' THEN 4 WHEN 'ledger' THEN 2 ELSE 1 END),
           IF(p_kind = 'cancelled', SUM(amount), 0)
               + CASE pattern WHEN 'balance' THEN 500 WHEN 'shared' THEN 100000 ELSE 0 END,
           IF(p_kind <> 'cancelled' AND pattern IN ('held', 'ledger'), MIN(order_id), NULL),
           IF(p_kind <> 'cancelled' AND pattern IN ('held', 'ledger'), MIN(created_at), NULL),
           MIN(created_at), MIN(created_at)
      FROM generated_order
     WHERE pattern <> 'none'
     GROUP BY coupon_id, pattern;
    INSERT INTO user_coupons (id, user_id, status, balance_amount, created_at, updated_at)
    SELECT second_coupon_id, user_id, 1, IF(p_kind = 'cancelled', 300, 0), created_at, created_at
      FROM generated_order
     WHERE pattern = 'two';

    INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount, created_at)
    SELECT order_id, coupon_id, amount, created_at
      FROM generated_order
     WHERE pattern NOT IN ('none', 'ledger');
    INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount, created_at)
    SELECT order_id, second_coupon_id, 300, created_at
      FROM generated_order
     WHERE pattern = 'two';

    INSERT INTO user_coupon_ledger
           (user_id, user_coupon_id, change_amount, order_id, action, created_at)
    SELECT user_id, coupon_id, -amount, order_id, IF(pattern = 'ledger', 'usage', 'reserve'), created_at
      FROM generated_order
     WHERE pattern <> 'none';
    INSERT INTO user_coupon_ledger
           (user_id, user_coupon_id, change_amount, order_id, action, created_at)
    SELECT user_id, second_coupon_id, -300, order_id, 'reserve', created_at
      FROM generated_order
     WHERE pattern = 'two';

    INSERT INTO user_points (user_id, points, created_at, updated_at)
    SELECT user_id, IF(p_kind = 'cancelled', SUM(points), 0) + 100, MIN(created_at), MIN(created_at)
      FROM generated_order
     WHERE points > 0 AND has_points_row
       AND NOT EXISTS (SELECT 1 FROM user_points AS present
                        WHERE present.user_id = generated_order.user_id)
     GROUP BY user_id;
    INSERT INTO user_points_ledger
           (user_id, action, points, ref_table, ref_id, remark, created_at)
    SELECT user_id, 'order_deduct', -points, 'orders', order_id, '', created_at
      FROM generated_order
     WHERE points > 0;

    IF p_kind = 'cancelled' THEN
        INSERT INTO user_coupon_ledger
               (user_id, user_coupon_id, change_amount, order_id, action, created_at)
        SELECT user_id, coupon_id, amount, order_id, 'cancel_refund', created_at + INTERVAL 31 MINUTE
          FROM generated_order
         WHERE pattern <> 'none';
        INSERT INTO user_coupon_ledger
               (user_id, user_coupon_id, change_amount, order_id, action, created_at)
        SELECT user_id, second_coupon_id, 300, order_id, 'cancel_refund', created_at + INTERVAL 31 MINUTE
          FROM generated_order
         WHERE pattern = 'two';
        INSERT INTO user_points_ledger
               (user_id, action, points, ref_table, ref_id, remark, created_at)
        SELECT user_id, 'cancel_refund', points, 'orders', order_id, '', created_at + INTERVAL 31 MINUTE
          FROM generated_order
         WHERE points > 0;
    END IF;

    DROP TEMPORARY TABLE generated_order;
END$$
DELIMITER ;
