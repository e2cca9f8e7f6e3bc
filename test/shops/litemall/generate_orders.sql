-- Fills the example shop with litemall's tables. Not part of a deployment.
-- The times are in the session's time zone, which is the shop's clock.

DROP PROCEDURE IF EXISTS generate_orders;

DELIMITER $$
CREATE PROCEDURE generate_orders (
    IN p_kind VARCHAR(16),
    IN p_orders INT,
    IN p_seed INT
)
    COMMENT 'Adds orders of one kind, each with one to three lines of 500 products; every second one uses a coupon of its user.
What an order took is gone from the product''s number already.
Parameters: p_kind: due, young, paid or cancelled (by the shop itself, with everything back). p_orders: how many, at most 1000000.
p_seed: the same seed gives the same mix.
Example: CALL generate_orders(''due'', 30000, 1)'
    MODIFIES SQL DATA
BEGIN
    DECLARE v_first_order INT DEFAULT (SELECT COALESCE(MAX(id), 0) FROM litemall_order) + 1;
    DECLARE v_status SMALLINT DEFAULT CASE p_kind WHEN 'paid' THEN 201 WHEN 'cancelled' THEN 103 ELSE 101 END;
    DECLARE v_now DATETIME DEFAULT NOW();

    START TRANSACTION;
    INSERT INTO litemall_goods_product (id, goods_id, specifications, price, number, add_time)
    WITH RECURSIVE sequence (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM sequence WHERE n < 500)
    SELECT n, n DIV 3 + 1, '["standard"]', 19.90, 100000, v_now FROM sequence
     WHERE NOT EXISTS (SELECT 1 FROM litemall_goods_product);

    INSERT INTO litemall_order
           (id, user_id, order_sn, order_status, consignee, mobile, address, goods_price, freight_price, coupon_price,
            integral_price, groupon_price, order_price, actual_price, pay_time, end_time, add_time, update_time)
    WITH RECURSIVE
    digit (d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM digit WHERE d < 9),
    sequence (n) AS (
        SELECT a.d + 10 * b.d + 100 * c.d + 1000 * d.d + 10000 * e.d + 100000 * f.d
          FROM digit AS f, digit AS e, digit AS d, digit AS c, digit AS b, digit AS a
    ),
    timed AS (
        SELECT n, v_now - INTERVAL CASE p_kind WHEN 'young' THEN n % 1200 WHEN 'due' THEN 3600 + (p_orders - n) DIV 10
                                               ELSE 86400 + (p_orders - n) DIV 10 END SECOND AS created_at
          FROM sequence
         WHERE n < p_orders
    )
    SELECT v_first_order + n, 1 + n DIV 3, CONCAT('SN', v_first_order + n), v_status, 'A', '13800000000', 'B',
           19.90, 0, 0, 0, 0, 19.90, 19.90,
           IF(p_kind = 'paid', created_at + INTERVAL 5 MINUTE, NULL),
           IF(p_kind = 'cancelled', created_at + INTERVAL 30 MINUTE, NULL), created_at, created_at
      FROM timed;

    INSERT INTO litemall_order_goods (order_id, goods_id, product_id, number, price, specifications, add_time)
    SELECT o.id, 1, 1 + CRC32(CONCAT(p_seed, ':product:', o.id, ':', line.n)) % 500, 1 + (o.id + line.n) % 3, 19.90,
           '["standard"]', o.add_time
      FROM litemall_order AS o
      JOIN (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2) AS line
     WHERE o.id >= v_first_order AND line.n <= CRC32(CONCAT(p_seed, ':lines:', o.id)) % 3;

    INSERT INTO litemall_coupon_user (user_id, coupon_id, status, used_time, order_id, add_time)
    SELECT user_id, 1, IF(p_kind = 'cancelled', 0, 1), add_time, id, add_time
      FROM litemall_order
     WHERE id >= v_first_order AND CRC32(CONCAT(p_seed, ':coupon:', id)) % 2 = 0;

    UPDATE litemall_goods_product AS product
      JOIN (SELECT product_id, SUM(number) AS taken
              FROM litemall_order_goods
             WHERE order_id >= v_first_order
             GROUP BY product_id) AS line ON line.product_id = product.id
       SET product.number = product.number - IF(p_kind = 'cancelled', 0, line.taken);
    COMMIT;
END$$
DELIMITER ;
