DROP PROCEDURE IF EXISTS order_timeout_reconcile;
DELIMITER $$
CREATE PROCEDURE order_timeout_reconcile (
    IN p_now DATETIME(3),
    IN p_default_minutes INT,
    IN p_longest_minutes INT,
    IN p_reconcile_days INT,
    IN p_has_findings BOOLEAN,
    INOUT p_after_order_id BIGINT,
    INOUT p_again_after_order_id BIGINT
)
    COMMENT 'Description: what each run of the sweep looks at, so that nobody has to ask: each order once, an hour after the default timeout,
and once more reconcile_days after the longest one, in the order of their ids, 1000 a run and more while there is time, and 10 of the open findings, from any one
on: so none is kept from closing by others that stay. It begins with the newest 10000, and so again when those it had come to are gone.
Parameters: p_now: in the shop''s clock. p_default_minutes, p_reconcile_days: of order_timeout_setting. p_longest_minutes: the most of it
and the policies. p_has_findings: 1: some are open. p_after_order_id, p_again_after_order_id: up to here was looked at; NULL: not yet;
set to how far it came.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
    DECLARE v_stop_at DATETIME(3) DEFAULT SYSDATE(3) + INTERVAL 2 SECOND;
    DECLARE v_newest BIGINT;
    DECLARE v_any BIGINT UNSIGNED;
    DECLARE v_order_ids, v_over JSON;
    DECLARE EXIT HANDLER FOR 1205 /* lock wait */, 1213 /* deadlock */ ROLLBACK AND NO CHAIN NO RELEASE;

    -- Behind all orders, as after one with a far id that was deleted since, nothing would be looked at any more.
    SELECT MAX(o.order_id) INTO v_newest FROM order_timeout_shop_order AS o;
    SET p_after_order_id = COALESCE(IF(p_after_order_id <= v_newest, p_after_order_id, v_newest - 10000), 0),
        p_again_after_order_id = COALESCE(IF(p_again_after_order_id <= v_newest, p_again_after_order_id, v_newest - 10000), 0);
    CALL order_timeout_reconcile_next(p_now - INTERVAL p_default_minutes + 60 MINUTE, p_now, v_stop_at, p_after_order_id);
    IF p_reconcile_days > 0 THEN
        CALL order_timeout_reconcile_next(p_now - INTERVAL p_longest_minutes MINUTE - INTERVAL p_reconcile_days DAY, p_now, v_stop_at,
                                          p_again_after_order_id);
    END IF;
    IF p_has_findings THEN
        SELECT ends.least + FLOOR(RAND() * (ends.most - ends.least + 1))
          INTO v_any
          FROM (SELECT MIN(id) AS least, MAX(id) AS most FROM order_timeout_finding WHERE is_open = 1) AS ends;
        SELECT JSON_ARRAYAGG(some.order_id)
          INTO v_order_ids
          FROM ((SELECT order_id FROM order_timeout_finding WHERE is_open = 1 AND id >= v_any ORDER BY id LIMIT 10)
                 UNION ALL
                (SELECT order_id FROM order_timeout_finding WHERE is_open = 1 AND id < v_any ORDER BY id LIMIT 10)
                 LIMIT 10) AS some;
        CALL order_timeout_reconcile_list(v_order_ids, p_now);
        -- What was refused and is given by now.
        SELECT JSON_ARRAYAGG(finding.id)
          INTO v_over
          FROM order_timeout_finding AS finding FORCE INDEX (order_timeout_finding_open)
          JOIN order_timeout_refund AS refund FORCE INDEX (PRIMARY)
            ON refund.order_id = finding.order_id AND refund.kind = finding.kind AND refund.target_id = finding.target_id
          LEFT JOIN order_timeout_owed AS owed ON owed.kind = refund.kind AND owed.account_id = refund.account_id
         WHERE finding.is_open = 1 AND finding.what = 'not_given' AND owed.kind IS NULL;
        CALL order_timeout_close_findings(v_over, p_now);
        COMMIT AND NO CHAIN NO RELEASE;
    END IF;
END$$
DELIMITER ;
