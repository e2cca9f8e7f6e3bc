-- Fills the example shop with mall's tables. Not part of a deployment.
-- The times are in the session's time zone, which is the shop's clock.

DROP PROCEDURE IF EXISTS generate_orders;

DELIMITER $$
CREATE PROCEDURE generate_orders (
    IN p_kind VARCHAR(16),
    IN p_orders INT,
    IN p_seed INT
)
    COMMENT 'Adds orders of one kind, each of a member of its own, with one to three lines of 500 articles. Every second one
names a coupon, every third one took points. What an order took is in lock_stock, and gone from the member''s points.
Parameters: p_kind: due, young, paid or cancelled (by the shop itself, with everything back). p_orders: how many, at most 1000000.
p_seed: the same seed gives the same mix.
Example: CALL generate_orders(''due'', 30000, 1)'
    MODIFIES SQL DATA
BEGIN
    DECLARE v_first_order BIGINT DEFAULT (SELECT COALESCE(MAX(id), 0) FROM oms_order) + 1;
    DECLARE v_status INT DEFAULT CASE p_kind WHEN 'paid' THEN 1 WHEN 'cancelled' THEN 4 ELSE 0 END;
    DECLARE v_now DATETIME DEFAULT NOW();

    START TRANSACTION;
    INSERT INTO pms_sku_stock (id, product_id, sku_code, price, stock, lock_stock)
    WITH RECURSIVE sequence (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM sequence WHERE n < 500)
    SELECT n, n DIV 3 + 1, CONCAT('SKU', n), 19.90, 1000000, 0 FROM sequence
     WHERE NOT EXISTS (SELECT 1 FROM pms_sku_stock);

    INSERT INTO oms_order
           (id, member_id, coupon_id, order_sn, create_time, total_amount, status, order_type, receiver_name, receiver_phone,
            use_integration, payment_time)
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
    SELECT v_first_order + n, v_first_order + n, IF(CRC32(CONCAT(p_seed, ':coupon:', n)) % 2 = 0, 1 + n % 20, NULL),
           CONCAT('SN', v_first_order + n), created_at, 19.90, v_status, 0, 'A', '13800000000',
           IF(CRC32(CONCAT(p_seed, ':points:', n)) % 3 = 0, 10 + n % 90, NULL),
           IF(p_kind = 'paid', created_at + INTERVAL 5 MINUTE, NULL)
      FROM timed;

    INSERT INTO ums_member (id, username, integration)
    SELECT member_id, CONCAT('member', member_id), 100 + IF(p_kind = 'cancelled', 0, -COALESCE(use_integration, 0))
      FROM oms_order
     WHERE id >= v_first_order;

    INSERT INTO oms_order_item (order_id, order_sn, product_quantity, product_sku_id)
    SELECT o.id, o.order_sn, 1 + (o.id + line.n) % 3, 1 + CRC32(CONCAT(p_seed, ':sku:', o.id, ':', line.n)) % 500
      FROM oms_order AS o
      JOIN (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2) AS line
     WHERE o.id >= v_first_order AND line.n <= CRC32(CONCAT(p_seed, ':lines:', o.id)) % 3;

    INSERT INTO sms_coupon_history (coupon_id, member_id, create_time, use_status, use_time)
    SELECT coupon_id, member_id, create_time, IF(p_kind = 'cancelled', 0, 1), IF(p_kind = 'cancelled', NULL, create_time)
      FROM oms_order
     WHERE id >= v_first_order AND coupon_id IS NOT NULL;

    UPDATE pms_sku_stock AS sku
      JOIN (SELECT product_sku_id, SUM(product_quantity) AS taken
              FROM oms_order_item
             WHERE order_id >= v_first_order
             GROUP BY product_sku_id) AS line ON line.product_sku_id = sku.id
       SET sku.lock_stock = sku.lock_stock + IF(p_kind IN ('due', 'young'), line.taken, 0);
    COMMIT;
END$$
DELIMITER ;
