-- Two orders of user 9110 that wait for payment, past their time. Both took 1000 (10 yuan) from a coupon
-- on the path of the game pass package: straight from the balance, and the coupon was never set to held (4).
-- Not part of a deployment. For an example shop without these ids; times in the session's time zone.

INSERT INTO orders
       (id, order_no, user_id, source_type, status, total_amount, discount_amount, actual_amount, coupon_id, created_at)
VALUES (28229, 'NO000000028229', 9110, 4, 1 /* pending */, 5000, 1000, 4000, 1690, NOW(3) - INTERVAL 41 MINUTE),
       (26743, 'NO000000026743', 9110, 4, 1 /* pending */, 5000, 1000, 4000, 1532, NOW(3) - INTERVAL 47 MINUTE);

-- 1690 has something left and stays usable; 1532 is used up.
INSERT INTO user_coupons (id, user_id, status, balance_amount, used_order_id, used_at, created_at)
VALUES (1690, 9110, 1 /* usable */, 2000, NULL, NULL, NOW(3) - INTERVAL 9 DAY),
       (1532, 9110, 2 /* used up */, 0, 26743, NOW(3) - INTERVAL 47 MINUTE, NOW(3) - INTERVAL 9 DAY);

INSERT INTO order_coupons (order_id, user_coupon_id, applied_amount, created_at)
VALUES (28229, 1690, 1000, NOW(3) - INTERVAL 41 MINUTE),
       (26743, 1532, 1000, NOW(3) - INTERVAL 47 MINUTE);

INSERT INTO user_coupon_ledger (user_id, user_coupon_id, change_amount, order_id, action, created_at)
VALUES (9110, 1690, 3000, 0, 'grant', NOW(3) - INTERVAL 9 DAY),
       (9110, 1532, 1000, 0, 'grant', NOW(3) - INTERVAL 9 DAY),
       (9110, 1690, -1000, 28229, 'usage', NOW(3) - INTERVAL 41 MINUTE),
       (9110, 1532, -1000, 26743, 'usage', NOW(3) - INTERVAL 47 MINUTE);
