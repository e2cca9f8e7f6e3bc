{{#owes}}
DROP PROCEDURE IF EXISTS order_timeout_pay_rows_{{kind}};
DELIMITER $$
CREATE PROCEDURE order_timeout_pay_rows_{{kind}} (
    IN p_accounts JSON,
    IN p_batch_id BIGINT UNSIGNED,
    OUT p_error_number INT,
    OUT p_error_message VARCHAR(512) CHARACTER SET utf8mb4
)
    COMMENT 'Description: gives what is owed as {{kind}} to rows of {{table_text}}, in one transaction that waits for nobody: what is locked
stays owed.
Parameters: p_accounts: ids of {{table_text}}. p_batch_id: only what this settlement owes; NULL: all. p_error_number, p_error_message: NULL, or why all was rolled back.
Errors: the query was killed (1317), the server shuts down (1053), a fault of the server or of the deployment.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_owed JSON;
    DECLARE v_paid INT;
    DECLARE EXIT HANDLER FOR 1317, 1053 RESIGNAL;
    DECLARE EXIT HANDLER FOR {{> any_error}}
    BEGIN
{{> tell_error}}
    END;

    COMMIT AND NO CHAIN NO RELEASE;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION READ WRITE;
    -- Of a row that is not ours now it is seen without a lock whether it exists: then somebody holds it.
    SELECT /*+ {{> session}} JOIN_FIXED_ORDER() */ JSON_ARRAYAGG(JSON_ARRAY(owed.account_id, owed.batch_id, target.{{id}} IS NOT NULL))
      INTO v_owed
      FROM JSON_TABLE(p_accounts, '$[*]' COLUMNS (account_id BIGINT PATH '$')) AS listed
      LEFT JOIN order_timeout_shop_{{kind}} AS target ON target.{{id}} = listed.account_id
      JOIN order_timeout_owed AS owed FORCE INDEX (PRIMARY) ON owed.kind = '{{kind}}' AND owed.account_id = listed.account_id
       AND (p_batch_id IS NULL OR owed.batch_id = p_batch_id)
      LEFT JOIN order_timeout_present_{{kind}} AS present ON present.account_id = listed.account_id
     WHERE target.{{id}} IS NOT NULL OR present.account_id IS NULL
       FOR UPDATE OF target SKIP LOCKED
       FOR UPDATE OF owed SKIP LOCKED;
    IF v_owed IS NOT NULL THEN
        SELECT /*+ {{> session}} */ order_timeout_give_owed_{{kind}}(v_owed) INTO v_paid;
    END IF;
    COMMIT AND NO CHAIN NO RELEASE;
END$$
DELIMITER ;
{{/owes}}
