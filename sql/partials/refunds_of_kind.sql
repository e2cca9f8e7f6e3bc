{{> picked}}
      JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
        ON refund.order_id = picked.order_id AND refund.kind = '{{kind}}' AND refund.batch_id = p_batch_id