DROP PROCEDURE IF EXISTS repair_missing_refund;
DELIMITER $$
CREATE PROCEDURE repair_missing_refund (
    IN p_order_id BIGINT
)
    COMMENT 'Description: gives back what audit_missing_refunds() finds for a cancelled order, exactly once, with the ledger action
repair_refund. Transactions as in cancel_expired_order(). Called again, or for an order that lacks nothing, it returns no row.
Parameters: p_order_id: the order''s id.
Result: as audit_missing_refunds(), and given: what came back now. From the journal alone, whatever the caller''s snapshot.
Errors: 50001 p_order_id is NULL or not positive; 1205 and 1213 lock conflicts, 50009 a row went meanwhile: call again;
50003 the setting is lost; 50006 the clock was changed.
Example: CALL repair_missing_refund(28229)'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_joined BOOLEAN DEFAULT NOT @@SESSION.autocommit;
    DECLARE v_repaired JSON;

{{> distrust_session}}
    CALL order_timeout_require_id('p_order_id', p_order_id);
    IF NOT v_joined THEN
        CALL order_timeout_read_committed(v_joined);
    END IF;
    -- SET, as in order_timeout_cancel().
    SET v_repaired = order_timeout_settle_order(p_order_id, NULL, 'repair', 'order_repair');
    IF v_repaired -> '$.to_look_at' THEN
        CALL order_timeout_look_after(p_order_id);
    END IF;

    SELECT refund.order_id, refund.user_id, refund.kind, refund.target_id, refund.taken,
           refund.taken - refund.amount AS returned, refund.amount AS missing, refund.source, refund.amount AS given
      FROM order_timeout_refund AS refund
     WHERE refund.order_id = p_order_id
       AND refund.batch_id = CAST(v_repaired ->> '$.batch_id' AS UNSIGNED)
     ORDER BY refund.kind, refund.target_id;
END$$
DELIMITER ;
