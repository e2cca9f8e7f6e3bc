
           settled_at = IF({{> finding_changed}}, NULL, order_timeout_finding.settled_at),
           opened_at = IF({{> finding_changed}} OR order_timeout_finding.closed_at IS NOT NULL, p_now, order_timeout_finding.opened_at),
           closed_at = NULL,
           amount = seen.amount,
           other_amount = seen.other_amount,
           detail = seen.detail