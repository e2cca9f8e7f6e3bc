CASE WHEN NOT o.status <=> {{orders.pending}} /* pending */ THEN 'not_pending'
            WHEN o.paid_at IS NOT NULL THEN 'contradictory'
            WHEN p_cause <> 'timeout' THEN 'due'
{{> timeout_verdict}}
