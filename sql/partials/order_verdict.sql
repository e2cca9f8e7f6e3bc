CASE WHEN NOT o.status <=> {{orders.pending}} /* pending */ THEN 'not_pending'
            WHEN {{> is_paid}} THEN 'contradictory'
            WHEN p_cause <> 'timeout' THEN 'due'
{{> timeout_verdict}}
