DROP TABLE IF EXISTS order_timeout_hold;
DROP TABLE IF EXISTS order_timeout_failure;
DROP TABLE IF EXISTS order_timeout_refund;
DROP TABLE IF EXISTS order_timeout_cancellation;
DROP TABLE IF EXISTS order_timeout_heartbeat;
DROP TABLE IF EXISTS order_timeout_run;
DROP TABLE IF EXISTS order_timeout_policy;
DROP TABLE IF EXISTS order_timeout_setting;
