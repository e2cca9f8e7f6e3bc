DROP PROCEDURE IF EXISTS order_timeout_pay_owed;
DELIMITER $$
CREATE PROCEDURE order_timeout_pay_owed (
    IN p_stop_at DATETIME(3)
)
    COMMENT 'Description: gives what settlements owe to rows that customers fight for, in small transactions. What is locked stays owed
until the next run, and so does what the row''s table refuses: a finding, which stops no other row. It begins with any one and goes
round: many that are refused keep none behind them from its turn.
Parameters: p_stop_at: no further transaction then, by SYSDATE().
Errors: those of order_timeout_pay_rows_{kind}().'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_most INT;
    DECLARE v_begin, v_after, v_until, v_last BIGINT;
    DECLARE v_accounts, v_batch_ids JSON;
    DECLARE v_error_number, v_batch_error_number INT;
    DECLARE v_error_message, v_batch_error_message VARCHAR(512) CHARACTER SET utf8mb4;

{{#rules}}
{{#owes}}
    -- {{kind}}: {{table_text}}
    SELECT ends.least + FLOOR(CAST(RAND() AS DECIMAL(10, 9)) * (CAST(ends.most AS DECIMAL(20)) - ends.least))
      INTO v_begin
      FROM (SELECT MIN(account_id) AS least, MAX(account_id) AS most FROM order_timeout_owed WHERE kind = '{{kind}}') AS ends;
    SET v_most = 50, v_after = v_begin, v_until = 9223372036854775807;
    pay_{{kind}}: LOOP
        SELECT JSON_ARRAYAGG(account_id), MAX(account_id)
          INTO v_accounts, v_last
          FROM (SELECT DISTINCT next_owed.account_id
                  FROM (SELECT owed.account_id
                          FROM order_timeout_owed AS owed
                         WHERE owed.kind = '{{kind}}' AND owed.account_id > v_after AND owed.account_id <= v_until
                         ORDER BY owed.account_id
                         LIMIT 100) AS next_owed
                 ORDER BY next_owed.account_id
                 LIMIT v_most) AS next_rows;
        IF v_accounts IS NULL AND v_until > v_begin THEN
            SET v_after = -9223372036854775808, v_until = v_begin;
            ITERATE pay_{{kind}};
        ELSEIF v_accounts IS NULL OR SYSDATE(3) >= p_stop_at THEN
            LEAVE pay_{{kind}};
        END IF;
        CALL order_timeout_pay_rows_{{kind}}(v_accounts, NULL, v_error_number, v_error_message);
        IF v_error_number IN (1205 /* lock wait */, 1213 /* deadlock */) THEN
            LEAVE pay_{{kind}};
        ELSEIF v_error_number IS NOT NULL AND v_most > 1 THEN
            -- The same again, row by row.
            SET v_most = 1;
        ELSE
            IF v_error_number IS NOT NULL THEN
                -- One order's amount may be more than the row can hold: the others' is given, some at a time.
                SELECT IF(COUNT(*) > 1, JSON_ARRAYAGG(some.batch_id), NULL)
                  INTO v_batch_ids
                  FROM (SELECT batch_id FROM order_timeout_owed WHERE kind = '{{kind}}' AND account_id = v_last ORDER BY RAND() LIMIT 20) AS some;
                WHILE JSON_LENGTH(v_batch_ids) > 0 AND SYSDATE(3) < p_stop_at DO
                    CALL order_timeout_pay_rows_{{kind}}(v_accounts, JSON_VALUE(v_batch_ids, '$[0]' RETURNING UNSIGNED), v_batch_error_number, v_batch_error_message);
                    SET v_batch_ids = JSON_REMOVE(v_batch_ids, '$[0]');
                END WHILE;
                CALL order_timeout_note_refused('{{kind}}', v_last, CONCAT(v_error_number, ': ', v_error_message), order_timeout_now());
                SET v_most = 50;
            END IF;
            SET v_after = v_last;
        END IF;
    END LOOP;
{{/owes}}
{{/rules}}
END$$
DELIMITER ;
