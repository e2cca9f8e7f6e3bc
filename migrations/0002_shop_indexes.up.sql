-- Indexes on the shop's tables, built online. Each is added only when the shop has none that serves:
-- the comment above a statement names the leading columns that would, alternatives after a bar.

-- @unless-index orders (status, source_type, created_at)
ALTER TABLE orders
    ADD INDEX order_timeout_due (status, source_type, created_at), ALGORITHM = INPLACE, LOCK = NONE;

-- @unless-index order_coupons (order_id)
ALTER TABLE order_coupons
    ADD INDEX order_timeout_order (order_id), ALGORITHM = INPLACE, LOCK = NONE;

-- @unless-index user_coupon_ledger (order_id)
ALTER TABLE user_coupon_ledger
    ADD INDEX order_timeout_order (order_id), ALGORITHM = INPLACE, LOCK = NONE;

-- @unless-index user_points (user_id)
ALTER TABLE user_points
    ADD INDEX order_timeout_user (user_id), ALGORITHM = INPLACE, LOCK = NONE;

-- @unless-index user_points_ledger (user_id, ref_table, ref_id) | (user_id, ref_id) | (ref_table, ref_id) | (ref_id)
ALTER TABLE user_points_ledger
    ADD INDEX order_timeout_ref (user_id, ref_table, ref_id), ALGORITHM = INPLACE, LOCK = NONE;
