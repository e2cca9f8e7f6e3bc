LEFT JOIN order_timeout_cancellation AS cancellation FORCE INDEX (PRIMARY) ON cancellation.batch_id = owed.batch_id
              -- A repair cancels nothing: it is of one order.
              JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
                ON refund.order_id = COALESCE(cancellation.order_id, owed.order_id) AND refund.kind = owed.kind
               AND refund.account_id = owed.account_id AND refund.batch_id = owed.batch_id