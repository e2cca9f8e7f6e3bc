-- The example shop: six tables as a real shop has them. Not part of a deployment.
-- Money and points are integers in minor units (10 yuan = 1000).

CREATE TABLE orders (
    id BIGINT NOT NULL AUTO_INCREMENT,
    order_no VARCHAR(32) NOT NULL COMMENT 'The number that the user sees',
    user_id BIGINT NOT NULL,
    source_type TINYINT NOT NULL DEFAULT 1
        COMMENT '1 shop, 2 live stream, 3 lottery (has a cleanup task of its own), 4 game pass package',
    status TINYINT NOT NULL DEFAULT 1 COMMENT '1 pending, 2 paid, 3 cancelled',
    total_amount BIGINT NOT NULL DEFAULT 0 COMMENT 'Price of the goods',
    discount_amount BIGINT NOT NULL DEFAULT 0 COMMENT 'What the coupons took off',
    points_amount BIGINT NOT NULL DEFAULT 0 COMMENT 'Points taken for this order',
    actual_amount BIGINT NOT NULL DEFAULT 0 COMMENT 'What is left to pay',
    coupon_id BIGINT NULL DEFAULT 0 COMMENT 'user_coupons.id; 0 or NULL: none',
    payment_method VARCHAR(16) NOT NULL DEFAULT '',
    remark VARCHAR(255) NOT NULL DEFAULT '',
    paid_at DATETIME(3) NULL,
    cancelled_at DATETIME(3) NULL,
    created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (id),
    UNIQUE KEY uk_order_no (order_no),
    KEY idx_user_created (user_id, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT = 'Orders';

CREATE TABLE order_coupons (
    id BIGINT NOT NULL AUTO_INCREMENT,
    order_id BIGINT NOT NULL,
    user_coupon_id BIGINT NOT NULL,
    applied_amount BIGINT NOT NULL DEFAULT 0 COMMENT 'What this coupon took off this order',
    created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    PRIMARY KEY (id),
    KEY idx_order (order_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT = 'Coupons applied to orders';

CREATE TABLE user_coupons (
    id BIGINT NOT NULL AUTO_INCREMENT,
    user_id BIGINT NOT NULL,
    coupon_template_id BIGINT NOT NULL DEFAULT 0,
    status TINYINT NOT NULL DEFAULT 1 COMMENT '1 usable, 2 used up, 3 expired, 4 held for an order',
    balance_amount BIGINT NOT NULL DEFAULT 0 COMMENT 'What is left on the coupon',
    used_order_id BIGINT NULL COMMENT 'The order that holds or used it up',
    used_at DATETIME(3) NULL,
    valid_end DATETIME(3) NULL,
    created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (id),
    KEY idx_user_status (user_id, status)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT = 'Coupons of users';

CREATE TABLE user_coupon_ledger (
    id BIGINT NOT NULL AUTO_INCREMENT,
    user_id BIGINT NOT NULL,
    user_coupon_id BIGINT NOT NULL,
    change_amount BIGINT NOT NULL COMMENT 'Negative: taken; positive: given back',
    order_id BIGINT NOT NULL DEFAULT 0,
    action VARCHAR(32) NOT NULL COMMENT 'grant, reserve, usage, cancel_refund, timeout_refund',
    created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    PRIMARY KEY (id),
    KEY idx_coupon (user_coupon_id),
    KEY idx_order (order_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT = 'Every change of a coupon balance';

CREATE TABLE user_points (
    id BIGINT NOT NULL AUTO_INCREMENT,
    user_id BIGINT NOT NULL,
    points BIGINT NOT NULL DEFAULT 0,
    valid_end DATETIME(3) NULL COMMENT 'NULL: no end',
    created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
    PRIMARY KEY (id),
    KEY idx_user (user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT = 'Points of users';

CREATE TABLE user_points_ledger (
    id BIGINT NOT NULL AUTO_INCREMENT,
    user_id BIGINT NOT NULL,
    action VARCHAR(32) NOT NULL COMMENT 'grant, order_deduct, timeout_refund',
    points BIGINT NOT NULL COMMENT 'Negative: taken; positive: given',
    ref_table VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'Table of what caused the change',
    ref_id VARCHAR(64) NOT NULL DEFAULT '' COMMENT 'Its id, as text',
    remark VARCHAR(255) NOT NULL DEFAULT '',
    created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    PRIMARY KEY (id),
    KEY idx_user (user_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci COMMENT = 'Every change of a user''s points';
