NOT EXISTS (SELECT 1 FROM order_timeout_finding AS settled
                               WHERE settled.order_id = money.order_id AND settled.kind = '{{kind}}' AND settled.target_id = money.target_id
                                 AND settled.amount = money.refundable AND {{> settled_as_given}})