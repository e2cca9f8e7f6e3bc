DROP PROCEDURE IF EXISTS order_timeout_pay_owed;
DELIMITER $$
CREATE PROCEDURE order_timeout_pay_owed (
    IN p_stop_at DATETIME(3)
)
    COMMENT 'Description: gives what settlements owe to rows that customers fight for, in small transactions that wait for nobody: what is
locked stays owed until the next run.
Parameters: p_stop_at: no further transaction then, by SYSDATE().'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_after BIGINT;
    DECLARE v_accounts JSON;
    DECLARE v_owed JSON;
    DECLARE v_paid INT;
    DECLARE EXIT HANDLER FOR 1205 /* lock wait */, 1213 /* deadlock */ ROLLBACK AND NO CHAIN NO RELEASE;

{{#rules}}
{{#owes}}
    -- {{kind}}: {{table_text}}
    SET v_after = -9223372036854775808;
    pay_{{kind}}: LOOP
        SELECT JSON_ARRAYAGG(account_id), MAX(account_id)
          INTO v_accounts, v_after
          FROM (SELECT DISTINCT next_owed.account_id
                  FROM (SELECT owed.account_id
                          FROM order_timeout_owed AS owed
                         WHERE owed.kind = '{{kind}}' AND owed.account_id > v_after
                         ORDER BY owed.account_id
                         LIMIT 100) AS next_owed
                 ORDER BY next_owed.account_id
                 LIMIT 50) AS next_rows;
        IF v_accounts IS NULL OR SYSDATE(3) >= p_stop_at THEN
            LEAVE pay_{{kind}};
        END IF;
        COMMIT AND NO CHAIN NO RELEASE;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION READ WRITE;
        -- Of a row that is not ours now it is seen without a lock whether it exists: then somebody holds it.
        SELECT /*+ {{> session}} JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(JSON_ARRAY(owed.account_id, owed.batch_id))
          INTO v_owed
          FROM JSON_TABLE(v_accounts, '$[*]' COLUMNS (account_id BIGINT PATH '$')) AS listed
          LEFT JOIN order_timeout_shop_{{kind}} AS target ON target.{{id}} = listed.account_id
          JOIN order_timeout_owed AS owed FORCE INDEX (PRIMARY) ON owed.kind = '{{kind}}' AND owed.account_id = listed.account_id
          LEFT JOIN order_timeout_present_{{kind}} AS present ON present.account_id = listed.account_id
         WHERE target.{{id}} IS NOT NULL OR present.account_id IS NULL
           FOR UPDATE OF target SKIP LOCKED
           FOR UPDATE OF owed SKIP LOCKED;
        IF v_owed IS NOT NULL THEN
            SELECT /*+ {{> session}} */ order_timeout_give_owed_{{kind}}(v_owed) INTO v_paid;
        END IF;
        COMMIT AND NO CHAIN NO RELEASE;
    END LOOP;
{{/owes}}
{{/rules}}
END$$
DELIMITER ;
