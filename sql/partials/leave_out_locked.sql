    IF v_not_ours_{{reach}} IS NOT NULL THEN
        SELECT /*+ {{> session}} JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(picked.order_id)
          INTO p_order_ids
          FROM {{> picked}}
         WHERE NOT EXISTS (SELECT /*+ JOIN_FIXED_ORDER() */ 1
                             FROM JSON_TABLE(v_not_ours_{{reach}}, '$[*]' COLUMNS (order_id BIGINT PATH '$[0]',
                                                                                   account_id BIGINT PATH '$[1]')) AS not_ours
                             JOIN order_timeout_shop_{{kind}} AS present ON present.{{id}} = not_ours.account_id
                            WHERE not_ours.order_id = picked.order_id);
    END IF;
