-- The tables of mall (macrozheng/mall) that an order touches: its names and types, with its indexes.
-- It has none but primary keys on oms_order and oms_order_item. Amounts may be NULL.

CREATE TABLE ums_member (
    id BIGINT NOT NULL AUTO_INCREMENT,
    member_level_id BIGINT NULL,
    username VARCHAR(64) NULL,
    password VARCHAR(64) NULL,
    nickname VARCHAR(64) NULL,
    phone VARCHAR(64) NULL,
    status INT NULL,
    create_time DATETIME NULL,
    source_type INT NULL,
    integration INT NULL,
    growth INT NULL,
    luckey_count INT NULL,
    history_integration INT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY idx_username (username),
    UNIQUE KEY idx_phone (phone)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb3;

CREATE TABLE oms_order (
    id BIGINT NOT NULL AUTO_INCREMENT,
    member_id BIGINT NOT NULL,
    coupon_id BIGINT NULL, -- the coupon's template, not the member's row
    order_sn VARCHAR(64) NULL,
    create_time DATETIME NULL,
    member_username VARCHAR(64) NULL,
    total_amount DECIMAL(10, 2) NULL,
    pay_amount DECIMAL(10, 2) NULL,
    freight_amount DECIMAL(10, 2) NULL,
    promotion_amount DECIMAL(10, 2) NULL,
    integration_amount DECIMAL(10, 2) NULL,
    coupon_amount DECIMAL(10, 2) NULL,
    discount_amount DECIMAL(10, 2) NULL,
    pay_type INT NULL,
    source_type INT NULL,
    status INT NULL, -- 0 unpaid, 1 paid, 2 shipped, 3 done, 4 closed, 5 invalid
    order_type INT NULL, -- 0 normal, 1 flash sale
    delivery_company VARCHAR(64) NULL,
    delivery_sn VARCHAR(64) NULL,
    auto_confirm_day INT NULL,
    integration INT NULL,
    growth INT NULL,
    promotion_info VARCHAR(100) NULL,
    receiver_name VARCHAR(100) NOT NULL,
    receiver_phone VARCHAR(32) NOT NULL,
    receiver_post_code VARCHAR(32) NULL,
    receiver_province VARCHAR(32) NULL,
    receiver_city VARCHAR(32) NULL,
    receiver_region VARCHAR(32) NULL,
    receiver_detail_address VARCHAR(200) NULL,
    note VARCHAR(500) NULL,
    confirm_status INT NULL,
    delete_status INT NOT NULL DEFAULT 0,
    use_integration INT NULL,
    payment_time DATETIME NULL,
    delivery_time DATETIME NULL,
    receive_time DATETIME NULL,
    comment_time DATETIME NULL,
    modify_time DATETIME NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb3;

CREATE TABLE oms_order_item (
    id BIGINT NOT NULL AUTO_INCREMENT,
    order_id BIGINT NULL,
    order_sn VARCHAR(64) NULL,
    product_id BIGINT NULL,
    product_pic VARCHAR(500) NULL,
    product_name VARCHAR(200) NULL,
    product_price DECIMAL(10, 2) NULL,
    product_quantity INT NULL,
    product_sku_id BIGINT NULL,
    product_sku_code VARCHAR(50) NULL,
    product_category_id BIGINT NULL,
    promotion_amount DECIMAL(10, 2) NULL,
    coupon_amount DECIMAL(10, 2) NULL,
    integration_amount DECIMAL(10, 2) NULL,
    real_amount DECIMAL(10, 2) NULL,
    gift_integration INT NULL DEFAULT 0,
    gift_growth INT NULL DEFAULT 0,
    product_attr VARCHAR(500) NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb3;

CREATE TABLE pms_sku_stock (
    id BIGINT NOT NULL AUTO_INCREMENT,
    product_id BIGINT NULL,
    sku_code VARCHAR(64) NOT NULL,
    price DECIMAL(10, 2) NULL,
    stock INT NULL DEFAULT 0,
    low_stock INT NULL,
    pic VARCHAR(255) NULL,
    sale INT NULL,
    promotion_price DECIMAL(10, 2) NULL,
    lock_stock INT NULL DEFAULT 0,
    sp_data VARCHAR(500) NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb3;

CREATE TABLE sms_coupon_history (
    id BIGINT NOT NULL AUTO_INCREMENT,
    coupon_id BIGINT NULL,
    member_id BIGINT NULL,
    coupon_code VARCHAR(64) NULL,
    member_nickname VARCHAR(64) NULL,
    get_type INT NULL,
    create_time DATETIME NULL,
    use_status INT NULL, -- 0 usable, 1 used, 2 expired
    use_time DATETIME NULL,
    order_id BIGINT NULL, -- mall never fills it when a coupon is used
    order_sn VARCHAR(100) NULL,
    PRIMARY KEY (id),
    KEY idx_member_id (member_id),
    KEY idx_coupon_id (coupon_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb3;
