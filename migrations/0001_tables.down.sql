DROP TABLE IF EXISTS
    order_timeout_finding, order_timeout_payment, order_timeout_hold, order_timeout_failure, order_timeout_owed,
    order_timeout_refund, order_timeout_cancellation, order_timeout_batch, order_timeout_heartbeat, order_timeout_run,
    order_timeout_shop, order_timeout_ledger_action, order_timeout_policy, order_timeout_setting;
