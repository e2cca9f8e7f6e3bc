            WHEN COALESCE({{orders.due_from_term}}, '0000-00-00') < {{orders.least}} THEN 'contradictory'
            WHEN NOT o.is_alive OR policy.enabled = 0 THEN 'excluded'
            WHEN hold.held_until > SYSDATE(3) THEN 'on_hold'
            WHEN {{> times_out_at}} >= SYSDATE(3) THEN 'not_expired'
            ELSE 'due' END
