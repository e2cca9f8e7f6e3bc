-- The tables of litemall (linlinjava/litemall) that an order touches: its names and types, with its indexes.
-- It has none on litemall_coupon_user (order_id) and none on litemall_order but the primary key.

CREATE TABLE litemall_user (
    id INT NOT NULL AUTO_INCREMENT,
    username VARCHAR(63) NOT NULL,
    password VARCHAR(63) NOT NULL DEFAULT '',
    nickname VARCHAR(63) NOT NULL DEFAULT '',
    mobile VARCHAR(20) NOT NULL DEFAULT '',
    status TINYINT NOT NULL DEFAULT 0,
    add_time DATETIME NULL,
    update_time DATETIME NULL,
    deleted TINYINT(1) NULL DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY user_name (username)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE litemall_order (
    id INT NOT NULL AUTO_INCREMENT,
    user_id INT NOT NULL,
    order_sn VARCHAR(63) NOT NULL,
    order_status SMALLINT NOT NULL, -- 101 unpaid, 102 to 104 cancelled by user, timeout, admin, 201 paid, 301 shipped ...
    aftersale_status SMALLINT NULL DEFAULT 0,
    consignee VARCHAR(63) NOT NULL,
    mobile VARCHAR(63) NOT NULL,
    address VARCHAR(127) NOT NULL,
    message VARCHAR(512) NOT NULL DEFAULT '',
    goods_price DECIMAL(10, 2) NOT NULL,
    freight_price DECIMAL(10, 2) NOT NULL,
    coupon_price DECIMAL(10, 2) NOT NULL,
    integral_price DECIMAL(10, 2) NOT NULL,
    groupon_price DECIMAL(10, 2) NOT NULL,
    order_price DECIMAL(10, 2) NOT NULL,
    actual_price DECIMAL(10, 2) NOT NULL,
    pay_id VARCHAR(63) NULL,
    pay_time DATETIME NULL,
    ship_sn VARCHAR(63) NULL,
    ship_channel VARCHAR(63) NULL,
    ship_time DATETIME NULL,
    refund_amount DECIMAL(10, 2) NULL,
    refund_type VARCHAR(63) NULL,
    refund_content VARCHAR(127) NULL,
    refund_time DATETIME NULL,
    confirm_time DATETIME NULL,
    comments SMALLINT NULL DEFAULT 0,
    end_time DATETIME NULL,
    add_time DATETIME NULL,
    update_time DATETIME NULL,
    deleted TINYINT(1) NULL DEFAULT 0,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE litemall_order_goods (
    id INT NOT NULL AUTO_INCREMENT,
    order_id INT NOT NULL DEFAULT 0,
    goods_id INT NOT NULL DEFAULT 0,
    goods_name VARCHAR(127) NOT NULL DEFAULT '',
    goods_sn VARCHAR(63) NOT NULL DEFAULT '',
    product_id INT NOT NULL DEFAULT 0,
    number SMALLINT NOT NULL DEFAULT 0,
    price DECIMAL(10, 2) NOT NULL DEFAULT 0.00,
    specifications VARCHAR(1023) NOT NULL,
    pic_url VARCHAR(255) NOT NULL DEFAULT '',
    comment INT NULL DEFAULT 0,
    add_time DATETIME NULL,
    update_time DATETIME NULL,
    deleted TINYINT(1) NULL DEFAULT 0,
    PRIMARY KEY (id),
    KEY order_id (order_id),
    KEY goods_id (goods_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE litemall_goods_product (
    id INT NOT NULL AUTO_INCREMENT,
    goods_id INT NOT NULL DEFAULT 0,
    specifications VARCHAR(1023) NOT NULL,
    price DECIMAL(10, 2) NOT NULL DEFAULT 0.00,
    number INT NOT NULL DEFAULT 0,
    url VARCHAR(125) NULL,
    add_time DATETIME NULL,
    update_time DATETIME NULL,
    deleted TINYINT(1) NULL DEFAULT 0,
    PRIMARY KEY (id),
    KEY goods_id (goods_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE litemall_coupon_user (
    id INT NOT NULL AUTO_INCREMENT,
    user_id INT NOT NULL,
    coupon_id INT NOT NULL,
    status SMALLINT NULL DEFAULT 0, -- 0 usable, 1 used, 2 expired, 3 withdrawn
    used_time DATETIME NULL,
    start_time DATETIME NULL,
    end_time DATETIME NULL,
    order_id INT NULL,
    add_time DATETIME NULL,
    update_time DATETIME NULL,
    deleted TINYINT(1) NULL DEFAULT 0,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
