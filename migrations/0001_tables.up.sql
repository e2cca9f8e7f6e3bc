-- The engine's own tables. Every time in them is in the shop's clock (order_timeout_setting.clock).

CREATE TABLE IF NOT EXISTS order_timeout_setting (
    id TINYINT UNSIGNED NOT NULL DEFAULT 1 COMMENT 'Always 1: the table has one row',
    default_timeout_minutes INT UNSIGNED NOT NULL DEFAULT 30
        COMMENT 'Age at which an unpaid order is cancelled, unless order_timeout_policy says otherwise; 1 to 525600',
    batch_size INT UNSIGNED NOT NULL DEFAULT 2000
        COMMENT 'Orders that the sweep cancels in one transaction; 1 to 10000',
    time_budget_seconds INT UNSIGNED NOT NULL DEFAULT 50
        COMMENT 'A sweep starts no further batch after this many seconds; 1 to 55',
    clock CHAR(6) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '+00:00'
        COMMENT 'UTC offset of the clock in which the shop writes its DATETIMEs, such as +08:00; whole quarters of an hour, -13:45 to +14:00',
    paused BOOLEAN NOT NULL DEFAULT 0 COMMENT '1: the sweep does nothing; calls for one order still work',
    max_attempts INT UNSIGNED NOT NULL DEFAULT 5
        COMMENT 'An order that failed this often is set aside until retry_failed_order(); 1 to 100',
    retention_days INT UNSIGNED NOT NULL DEFAULT 90
        COMMENT 'Days to keep runs and settled cancellations; refunds are kept for ever; 1 to 36500',
    PRIMARY KEY (id),
    CONSTRAINT order_timeout_setting_one_row CHECK (id = 1),
    CONSTRAINT order_timeout_setting_default_timeout_minutes
        CHECK (default_timeout_minutes BETWEEN 1 AND 525600),
    CONSTRAINT order_timeout_setting_batch_size CHECK (batch_size BETWEEN 1 AND 10000),
    CONSTRAINT order_timeout_setting_time_budget_seconds
        CHECK (time_budget_seconds BETWEEN 1 AND 55),
    CONSTRAINT order_timeout_setting_clock
        CHECK (REGEXP_LIKE(clock, '^([+-](0[0-9]|1[0-3]):(00|15|30|45)|[+]14:00)$')),
    CONSTRAINT order_timeout_setting_paused CHECK (paused IN (0, 1)),
    CONSTRAINT order_timeout_setting_max_attempts CHECK (max_attempts BETWEEN 1 AND 100),
    CONSTRAINT order_timeout_setting_retention_days CHECK (retention_days BETWEEN 1 AND 36500)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'How the order timeout works in this shop: one row';

INSERT INTO order_timeout_setting (id)
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM order_timeout_setting);

CREATE TABLE IF NOT EXISTS order_timeout_policy (
    source_type BIGINT NOT NULL COMMENT 'orders.source_type',
    enabled BOOLEAN NOT NULL DEFAULT 1 COMMENT '0: orders of this type never time out',
    timeout_minutes INT UNSIGNED NULL
        COMMENT 'Age at which such an order is cancelled; NULL: the default of order_timeout_setting',
    remark VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'Why this type is different',
    PRIMARY KEY (source_type),
    CONSTRAINT order_timeout_policy_enabled CHECK (enabled IN (0, 1)),
    CONSTRAINT order_timeout_policy_timeout_minutes CHECK (timeout_minutes BETWEEN 1 AND 525600)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Order types that differ from the default: one row each';

INSERT INTO order_timeout_policy (source_type, enabled, remark)
SELECT 3, 0, 'Has a cleanup task of its own'
 WHERE NOT EXISTS (SELECT 1 FROM order_timeout_policy WHERE source_type = 3);

CREATE TABLE IF NOT EXISTS order_timeout_run (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    started_at DATETIME(3) NOT NULL,
    finished_at DATETIME(3) NULL COMMENT 'NULL: at work, or killed',
    outcome ENUM('completed', 'out_of_time', 'failed', 'interrupted') NULL
        COMMENT 'NULL: at work; interrupted: killed, and found by the next run',
    cancelled INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'Orders cancelled',
    coupon_refunded BIGINT NOT NULL DEFAULT 0 COMMENT 'Coupon money given back, in minor units',
    points_refunded BIGINT NOT NULL DEFAULT 0 COMMENT 'Points given back',
    failed INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'Orders that failed, see order_timeout_failure',
    put_off INT UNSIGNED NOT NULL DEFAULT 0
        COMMENT 'Orders left to the next run because somebody held a lock',
    duration_ms BIGINT UNSIGNED NULL,
    error_number INT NULL COMMENT 'Of the error that ended the run',
    error_message VARCHAR(512) NULL,
    PRIMARY KEY (id),
    KEY order_timeout_run_started_at (started_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Sweeps that did something or failed; an idle sweep only renews order_timeout_heartbeat';

CREATE TABLE IF NOT EXISTS order_timeout_heartbeat (
    id TINYINT UNSIGNED NOT NULL DEFAULT 1 COMMENT 'Always 1: the table has one row',
    beat_at DATETIME(3) NULL COMMENT 'When a sweep last came to its end; NULL: never yet',
    outcome VARCHAR(16) NULL COMMENT 'Its outcome: completed, out_of_time, paused',
    run_id BIGINT UNSIGNED NULL COMMENT 'order_timeout_run.id; NULL: it found nothing to do',
    PRIMARY KEY (id),
    CONSTRAINT order_timeout_heartbeat_one_row CHECK (id = 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'The sign of life of the sweep: one row';

INSERT INTO order_timeout_heartbeat (id)
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM order_timeout_heartbeat);

CREATE TABLE IF NOT EXISTS order_timeout_batch (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    cause ENUM('timeout', 'user', 'admin', 'repair') NOT NULL,
    remark VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'What the caller of cancel_order() gave',
    called_by VARCHAR(288) NOT NULL COMMENT 'The account that called',
    run_id BIGINT UNSIGNED NULL COMMENT 'order_timeout_run.id; NULL: not by a sweep',
    order_ids JSON NOT NULL DEFAULT (JSON_ARRAY())
        COMMENT 'The orders it set out to cancel or repair: where to look for what it left half done',
    created_at DATETIME(3) NOT NULL,
    coupons_given BOOLEAN NOT NULL DEFAULT 0
        COMMENT '1: the balances of its coupon refunds have grown; set by the statement that makes them grow',
    points_given BOOLEAN NOT NULL DEFAULT 0 COMMENT '1: the same of its points refunds',
    settled BOOLEAN NOT NULL DEFAULT 0
        COMMENT '1: its orders are cancelled; a committed 0 is a half-done call, completed by the next cancel of the order',
    position BIGINT UNSIGNED NULL
        COMMENT 'Place in the feed that read_cancellations() reads; NULL: not read yet',
    PRIMARY KEY (id),
    UNIQUE KEY order_timeout_batch_position (position),
    KEY order_timeout_batch_settled (settled)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Journal: one row for each transaction that cancelled or repaired orders, a batch of the sweep or a single call';

CREATE TABLE IF NOT EXISTS order_timeout_cancellation (
    batch_id BIGINT UNSIGNED NOT NULL COMMENT 'order_timeout_batch.id',
    order_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL COMMENT 'orders.user_id',
    source_type BIGINT NULL COMMENT 'orders.source_type',
    cause ENUM('timeout', 'user', 'admin') NOT NULL,
    run_id BIGINT UNSIGNED NULL COMMENT 'order_timeout_run.id; NULL: not by a sweep',
    findings JSON NULL
        COMMENT 'For a person to see: {"missing_coupons": [id], "duplicate_coupons": [id]}; NULL: nothing',
    cancelled_at DATETIME(3) NOT NULL,
    PRIMARY KEY (batch_id, order_id),
    KEY order_timeout_cancellation_order (order_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Journal: one row for each time an order was cancelled; what came back is in order_timeout_refund';

CREATE TABLE IF NOT EXISTS order_timeout_refund (
    order_id BIGINT NOT NULL,
    kind ENUM('coupon', 'points') NOT NULL,
    target_id BIGINT NOT NULL COMMENT 'coupon: user_coupons.id; points: the user''s id',
    batch_id BIGINT UNSIGNED NOT NULL COMMENT 'order_timeout_batch.id',
    user_id BIGINT NOT NULL COMMENT 'orders.user_id',
    account_id BIGINT NOT NULL COMMENT 'The row that grew: user_coupons.id or user_points.id',
    amount BIGINT NOT NULL COMMENT 'Given back, in minor units or points',
    source ENUM('order_coupons', 'ledger', 'orders') NOT NULL COMMENT 'Where it is known from what was taken',
    cause ENUM('timeout', 'user', 'admin', 'repair') NOT NULL,
    stays_held BOOLEAN NOT NULL DEFAULT 0
        COMMENT '1: the coupon is held for another pending order and stays so',
    refunded_at DATETIME(3) NOT NULL,
    PRIMARY KEY (order_id, kind, target_id),
    CONSTRAINT order_timeout_refund_amount CHECK (amount > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Journal: what came back. The primary key makes a second refund impossible; rows are never purged';

CREATE TABLE IF NOT EXISTS order_timeout_failure (
    order_id BIGINT NOT NULL,
    attempts INT UNSIGNED NOT NULL DEFAULT 1 COMMENT 'Sweeps in which this order failed',
    first_failed_at DATETIME(3) NOT NULL,
    last_failed_at DATETIME(3) NOT NULL,
    retry_at DATETIME(3) NULL COMMENT 'Not tried again before; NULL: set aside, see retry_failed_order()',
    error_number INT NOT NULL,
    error_state CHAR(5) NOT NULL COMMENT 'SQLSTATE',
    error_message VARCHAR(512) NOT NULL,
    PRIMARY KEY (order_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Orders that the sweep could not cancel; the row goes with the next sweep once the order is no longer pending';

CREATE TABLE IF NOT EXISTS order_timeout_hold (
    order_id BIGINT NOT NULL,
    held_until DATETIME(3) NOT NULL COMMENT 'Until then the order does not time out',
    reason VARCHAR(255) NOT NULL DEFAULT '',
    held_by VARCHAR(288) NOT NULL COMMENT 'The account that called hold_order()',
    held_at DATETIME(3) NOT NULL,
    PRIMARY KEY (order_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Orders whose user is at the cashier';
