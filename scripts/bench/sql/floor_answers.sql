-- What the engine wrote, sorted by the ranges in which the floor writes it again: the floor has nothing to find out.
-- Read from the engine's database after its run, into the floor's, which holds the same shop before a run.

DROP TABLE IF EXISTS bench_cancellation;
DROP TABLE IF EXISTS bench_refund;
DROP TABLE IF EXISTS bench_coupon;
DROP TABLE IF EXISTS bench_points;

CREATE TABLE bench_cancellation (
    range_no INT NOT NULL,
    order_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    source_type BIGINT NULL,
    PRIMARY KEY (range_no, order_id)
) ENGINE = InnoDB COMMENT = 'A row per order'
SELECT order_id DIV 500 AS range_no, order_id, user_id, source_type
  FROM order_timeout_bench_engine.order_timeout_cancellation
 ORDER BY range_no, order_id;

CREATE TABLE bench_refund (
    range_no INT NOT NULL,
    order_id BIGINT NOT NULL,
    kind ENUM('coupon', 'points') NOT NULL,
    target_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    source ENUM('order_coupons', 'ledger', 'orders') NOT NULL,
    stays_held BOOLEAN NOT NULL,
    PRIMARY KEY (range_no, order_id, kind, target_id)
) ENGINE = InnoDB COMMENT = 'A row per refund'
SELECT order_id DIV 500 AS range_no, order_id, kind, target_id, user_id, account_id, amount, source, stays_held
  FROM order_timeout_bench_engine.order_timeout_refund
 ORDER BY range_no, order_id, kind, target_id;

CREATE TABLE bench_coupon (
    range_no INT NOT NULL,
    coupon_id BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (range_no, coupon_id)
) ENGINE = InnoDB COMMENT = 'By how much a coupon grows in a range'
SELECT range_no, target_id AS coupon_id, SUM(amount) AS amount
  FROM bench_refund
 WHERE kind = 'coupon'
 GROUP BY range_no, target_id
 ORDER BY range_no, target_id;

CREATE TABLE bench_points (
    range_no INT NOT NULL,
    account_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    is_new BOOLEAN NOT NULL,
    PRIMARY KEY (range_no, account_id)
) ENGINE = InnoDB COMMENT = 'By how much a row of user_points grows in a range; is_new: it is not there before'
SELECT refund.range_no, refund.account_id, MIN(refund.user_id) AS user_id, SUM(refund.amount) AS amount,
       MIN(refund.range_no) = MIN(first_use.range_no) AND MAX(present.id) IS NULL AS is_new
  FROM bench_refund AS refund
  JOIN (SELECT account_id, MIN(range_no) AS range_no
          FROM bench_refund
         WHERE kind = 'points'
         GROUP BY account_id) AS first_use ON first_use.account_id = refund.account_id
  LEFT JOIN user_points AS present ON present.id = refund.account_id
 WHERE refund.kind = 'points'
 GROUP BY refund.range_no, refund.account_id
 ORDER BY refund.range_no, refund.account_id;

ANALYZE NO_WRITE_TO_BINLOG TABLE bench_cancellation, bench_refund, bench_coupon, bench_points;
