-- @if-index orders order_timeout_due
ALTER TABLE orders DROP INDEX order_timeout_due, ALGORITHM = INPLACE, LOCK = NONE;

-- @if-index order_coupons order_timeout_order
ALTER TABLE order_coupons DROP INDEX order_timeout_order, ALGORITHM = INPLACE, LOCK = NONE;

-- @if-index user_coupon_ledger order_timeout_order
ALTER TABLE user_coupon_ledger DROP INDEX order_timeout_order, ALGORITHM = INPLACE, LOCK = NONE;

-- @if-index user_points order_timeout_user
ALTER TABLE user_points DROP INDEX order_timeout_user, ALGORITHM = INPLACE, LOCK = NONE;

-- @if-index user_points_ledger order_timeout_ref
ALTER TABLE user_points_ledger DROP INDEX order_timeout_ref, ALGORITHM = INPLACE, LOCK = NONE;
