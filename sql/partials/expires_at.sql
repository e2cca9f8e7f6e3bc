GREATEST({{> times_out_at}}, COALESCE(hold.held_until, DATE'1000-01-01'))
