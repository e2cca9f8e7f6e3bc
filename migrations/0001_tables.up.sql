-- The engine's own tables. Every time in them is in the shop's clock (order_timeout_setting.clock).

CREATE TABLE IF NOT EXISTS order_timeout_setting (
    id TINYINT UNSIGNED NOT NULL DEFAULT 1 COMMENT 'Always 1: the table has one row',
    default_timeout_minutes INT UNSIGNED NOT NULL DEFAULT 30
        COMMENT 'Age at which an unpaid order is cancelled, unless order_timeout_policy says otherwise; 1 to 525600',
    batch_size INT UNSIGNED NOT NULL DEFAULT 500
        COMMENT 'Orders that the sweep cancels in one transaction; 1 to 10000',
    time_budget_seconds INT UNSIGNED NOT NULL DEFAULT 50
        COMMENT 'A sweep starts no further batch after this many seconds; 1 to 55',
    clock CHAR(6) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '+00:00'
        COMMENT 'UTC offset of the clock in which the shop writes its DATETIMEs, such as +08:00; changed by order-timeout up --clock only',
    paused BOOLEAN NOT NULL DEFAULT 0 COMMENT '1: the sweep cancels nothing, but gives what is owed; calls for one order still work',
    max_attempts INT UNSIGNED NOT NULL DEFAULT 5
        COMMENT 'An order that failed this often is set aside until retry_failed_order(); 1 to 100',
    retention_days INT UNSIGNED NOT NULL DEFAULT 90
        COMMENT 'Days to keep runs, cancellations and holds that have ended; refunds, findings and payments are kept for ever; 1 to 36500',
    reconcile_days INT UNSIGNED NOT NULL DEFAULT 7
        COMMENT 'An order is looked at once more so many days after its timeout; 0: it is not; up to 365',
    sweep_server_uuid CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL
        COMMENT 'The one server that sweeps although it receives a replication channel; NULL: none does',
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
    CONSTRAINT order_timeout_setting_retention_days CHECK (retention_days BETWEEN 1 AND 36500),
    CONSTRAINT order_timeout_setting_reconcile_days CHECK (reconcile_days BETWEEN 0 AND 365)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'How the order timeout works in this shop: one row';

INSERT INTO order_timeout_setting (id)
SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM order_timeout_setting);

CREATE TABLE IF NOT EXISTS order_timeout_policy (
    source_type BIGINT NOT NULL COMMENT 'The order''s type, as the shop file names its column',
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

CREATE TABLE IF NOT EXISTS order_timeout_ledger_action (
    kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'A kind of the shop file: coupon, points',
    action VARCHAR(64) COLLATE utf8mb4_general_ci NOT NULL COMMENT 'The action of a row of the shop''s ledger',
    meaning ENUM('take', 'return', 'other') NOT NULL
        COMMENT 'take: a negative row took for an order. return: a negative row takes a return back. other: counts neither way. Not listed: positive counts as returned, negative not at all',
    PRIMARY KEY (kind, action)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'What the actions of the shop''s ledgers mean; yours to change';

INSERT INTO order_timeout_ledger_action (kind, action, meaning)
SELECT known.kind, known.action, known.meaning
  FROM (SELECT 'coupon' AS kind, 'reserve' AS action, 'take' AS meaning
         UNION ALL SELECT 'coupon', 'usage', 'take'
         UNION ALL SELECT 'coupon', 'timeout_refund', 'return'
         UNION ALL SELECT 'coupon', 'cancel_refund', 'return'
         UNION ALL SELECT 'coupon', 'repair_refund', 'return'
         UNION ALL SELECT 'coupon', 'grant', 'other'
         UNION ALL SELECT 'points', 'order_deduct', 'take'
         UNION ALL SELECT 'points', 'timeout_refund', 'return'
         UNION ALL SELECT 'points', 'cancel_refund', 'return'
         UNION ALL SELECT 'points', 'repair_refund', 'return'
         UNION ALL SELECT 'points', 'grant', 'other'
         UNION ALL SELECT 'points', 'earn', 'other') AS known
 WHERE NOT EXISTS (SELECT 1 FROM order_timeout_ledger_action);

CREATE TABLE IF NOT EXISTS order_timeout_shop (
    id TINYINT UNSIGNED NOT NULL DEFAULT 1 COMMENT 'Always 1: the table has one row',
    file MEDIUMTEXT NOT NULL COMMENT 'The shop file as it was deployed, YAML',
    views JSON NOT NULL COMMENT 'The due views that the file names: {"coupon_due.sql": "SELECT ..."}',
    kinds JSON NOT NULL COMMENT 'Since when the orders of each kind are audited: {"coupon": "2026-01-31 12:00:00.000"}; null: always',
    ledgers JSON NOT NULL COMMENT 'Since when each kind''s rows in the shop''s ledger are written as now, and checked; null: always',
    deployed_at DATETIME(3) NOT NULL,
    deployed_by VARCHAR(288) NOT NULL COMMENT 'The account that ran order-timeout up',
    PRIMARY KEY (id),
    CONSTRAINT order_timeout_shop_one_row CHECK (id = 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'What an order is in this shop and what it gives back: one row';

CREATE TABLE IF NOT EXISTS order_timeout_run (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    started_at DATETIME(3) NOT NULL,
    finished_at DATETIME(3) NULL COMMENT 'NULL: at work, or killed',
    outcome ENUM('completed', 'out_of_time', 'failed', 'interrupted') NULL
        COMMENT 'NULL: at work; interrupted: killed, and found by the next run',
    cancelled INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'Orders cancelled',
    returned JSON NULL COMMENT 'What came back, kind by kind: {"coupon": 1000, "points": 300}; NULL: nothing',
    coupon_refunded BIGINT NOT NULL DEFAULT 0 COMMENT 'Of the kind coupon, in minor units; 0 for whole coupons',
    points_refunded BIGINT NOT NULL DEFAULT 0 COMMENT 'Of the kind points',
    failed INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'Orders that failed, see order_timeout_failure',
    put_off INT UNSIGNED NOT NULL DEFAULT 0
        COMMENT 'Orders left to the next run because somebody held a row that they lead to, such as a coupon',
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
    purged_at DATETIME(3) NULL COMMENT 'When old rows were last cleared away; NULL: never yet, or there is more',
    reconciled_order_id BIGINT NULL COMMENT 'Up to here orders were looked at an hour after their timeout; NULL: not yet',
    reconciled_again_order_id BIGINT NULL COMMENT 'Up to here orders were looked at once more, after reconcile_days; NULL: not yet',
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
    created_at DATETIME(3) NOT NULL,
    position BIGINT UNSIGNED NULL
        COMMENT 'Place in the feed that read_cancellations() reads; NULL: not read yet',
    PRIMARY KEY (id),
    UNIQUE KEY order_timeout_batch_position (position)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Journal: one row for each settlement, a batch of the sweep or a single call';

CREATE TABLE IF NOT EXISTS order_timeout_cancellation (
    batch_id BIGINT UNSIGNED NOT NULL COMMENT 'order_timeout_batch.id',
    order_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL COMMENT 'The order''s user',
    source_type BIGINT NULL COMMENT 'The order''s type',
    cause ENUM('timeout', 'user', 'admin') NOT NULL,
    run_id BIGINT UNSIGNED NULL COMMENT 'order_timeout_run.id; NULL: not by a sweep',
    cancelled_at DATETIME(3) NOT NULL,
    PRIMARY KEY (batch_id, order_id),
    KEY order_timeout_cancellation_order (order_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Journal: one row for each time an order was cancelled; what came back is in order_timeout_refund';

CREATE TABLE IF NOT EXISTS order_timeout_refund (
    order_id BIGINT NOT NULL,
    kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'A kind of the shop file: coupon, points',
    target_id BIGINT NOT NULL COMMENT 'What it was taken from; 0: the order has one only of this kind',
    batch_id BIGINT UNSIGNED NOT NULL COMMENT 'order_timeout_batch.id',
    user_id BIGINT NOT NULL COMMENT 'The order''s user',
    account_id BIGINT NOT NULL COMMENT 'The row that grew: user_coupons.id or user_points.id',
    amount BIGINT NOT NULL COMMENT 'Given back, in minor units, points or pieces',
    taken BIGINT NOT NULL COMMENT 'What the order had taken',
    ledger_taken BIGINT NULL COMMENT 'What the shop''s ledger said it had taken; NULL: there is no ledger that says so',
    source ENUM('order_coupons', 'ledger', 'orders', 'lines', 'order', 'held', 'named') NOT NULL
        COMMENT 'Where it is known from what was taken',
    cause ENUM('timeout', 'user', 'admin', 'repair') NOT NULL,
    keeps_state BOOLEAN NOT NULL DEFAULT 0
        COMMENT '1: the row got its amount and nothing else, such as a coupon that is held for another pending order',
    refunded_at DATETIME(3) NOT NULL,
    PRIMARY KEY (order_id, kind, target_id),
    CONSTRAINT order_timeout_refund_amount CHECK (amount > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Journal: what came back. The primary key makes a second refund impossible; rows are never purged';

CREATE TABLE IF NOT EXISTS order_timeout_owed (
    kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'A kind of the shop file that is shared: stock',
    account_id BIGINT NOT NULL COMMENT 'The row that is to grow',
    batch_id BIGINT UNSIGNED NOT NULL COMMENT 'order_timeout_batch.id: whose refunds these are',
    order_id BIGINT NOT NULL COMMENT 'The first of its orders; a repair has one only',
    amount BIGINT NOT NULL COMMENT 'Still to be given, the sum of its refunds',
    owed_at DATETIME(3) NOT NULL,
    PRIMARY KEY (kind, account_id, batch_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Claimed and not yet given: rows that many customers fight for get theirs in small transactions of the sweep';

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
  COMMENT = 'Orders that the sweep could not cancel; the row goes with a later sweep once the order is no longer pending';

CREATE TABLE IF NOT EXISTS order_timeout_hold (
    order_id BIGINT NOT NULL,
    held_until DATETIME(3) NOT NULL COMMENT 'Until then the order does not time out',
    reason VARCHAR(255) NOT NULL DEFAULT '',
    held_by VARCHAR(288) NOT NULL COMMENT 'The account that called hold_order()',
    held_at DATETIME(3) NOT NULL,
    PRIMARY KEY (order_id),
    KEY order_timeout_hold_held_until (held_until)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Orders whose user is at the cashier';

CREATE TABLE IF NOT EXISTS order_timeout_payment (
    reference VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin NOT NULL
        COMMENT 'The payment''s own id, as the payment service gives it',
    order_id BIGINT NOT NULL,
    outcome ENUM('accepted', 'already_paid', 'paid_elsewhere', 'too_late', 'not_payable') NOT NULL
        COMMENT 'already_paid, too_late and not_payable: money to send back',
    received_by VARCHAR(288) NOT NULL COMMENT 'The account that called accept_payment()',
    received_at DATETIME(3) NOT NULL,
    settled_at DATETIME(3) NULL COMMENT 'When settle_late_payment() said that the money was sent back',
    settled_by VARCHAR(288) NULL,
    remark VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'What the caller of settle_late_payment() gave',
    to_send_back BOOLEAN GENERATED ALWAYS AS (outcome IN ('already_paid', 'too_late', 'not_payable') AND settled_at IS NULL) VIRTUAL
        COMMENT '1: the money is still to be sent back',
    PRIMARY KEY (reference),
    KEY order_timeout_payment_order (order_id),
    KEY order_timeout_payment_to_send_back (to_send_back, received_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'Payments that accept_payment() was told of: one row for each reference, kept for ever';

CREATE TABLE IF NOT EXISTS order_timeout_finding (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    order_id BIGINT NOT NULL,
    kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '' COMMENT 'A kind of the shop file; empty: the order as such',
    target_id BIGINT NOT NULL DEFAULT 0,
    what VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
        COMMENT 'missing_refund, second_take, short, paid_after_refund, pending_after_refund, contradictory, ledger_differs, unknown_action, missing_target, below_floor, duplicate_rows, paid_elsewhere, not_given, broken_invariant, unreadable, cancelled_after_payment',
    amount BIGINT NOT NULL DEFAULT 0 COMMENT 'What it is about, in minor units, points or pieces',
    other_amount BIGINT NOT NULL DEFAULT 0 COMMENT 'What it is compared with',
    detail VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'unknown_action: the action; broken_invariant: what is wrong; not_given, unreadable: the error; cancelled_after_payment: the reference',
    opened_at DATETIME(3) NOT NULL COMMENT 'When it was seen first, or again with other amounts',
    closed_at DATETIME(3) NULL COMMENT 'When it was seen to be true no longer',
    settled_at DATETIME(3) NULL COMMENT 'When a person said that it is dealt with',
    settled_by VARCHAR(288) NULL,
    remark VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'What the caller of settle_finding() gave',
    is_open BOOLEAN GENERATED ALWAYS AS (closed_at IS NULL AND settled_at IS NULL) VIRTUAL,
    PRIMARY KEY (id),
    UNIQUE KEY order_timeout_finding_once (order_id, kind, target_id, what),
    KEY order_timeout_finding_open (is_open, id),
    KEY order_timeout_finding_detail (what, kind, detail)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci
  COMMENT = 'What a person has to look at: one row for each order, kind, target and what, for ever';
