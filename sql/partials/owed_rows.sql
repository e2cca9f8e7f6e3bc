JSON_TABLE(p_owed, '$[*]' COLUMNS (account_id BIGINT PATH '$[0]', batch_id BIGINT UNSIGNED PATH '$[1]', is_there INT PATH '$[2]')) AS listed
      JOIN order_timeout_owed AS owed FORCE INDEX (PRIMARY)
        ON owed.kind = '{{kind}}' AND owed.account_id = listed.account_id AND owed.batch_id = listed.batch_id