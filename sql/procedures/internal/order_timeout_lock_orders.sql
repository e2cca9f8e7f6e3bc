DROP PROCEDURE IF EXISTS order_timeout_lock_orders;
DELIMITER $$
CREATE PROCEDURE order_timeout_lock_orders (
    IN p_source_type BIGINT,
    IN p_cutoff DATETIME(3),
    INOUT p_order_ids JSON,
    OUT p_reached INT,
    OUT p_was_paid BOOLEAN,
    OUT p_put_off INT
)
    COMMENT 'Description: locks orders with all rows that they lead to, waiting for nobody, and decides under the lock which are due.
Amounts are computed only after this: a read that skips locked rows would take a locked coupon for a missing one.
hold_order() takes the order''s lock too.
Parameters: p_source_type: their type; NULL: orders without one. p_cutoff: due is what is older. p_order_ids: as picked; set to
those that are due and of which every row is ours, NULL: none. p_reached: how many rows they lead to, at least, of the kinds with a
key for each. p_was_paid: one was paid before. p_put_off: orders that are ours and due, and lead to a row that is not ours.'
    SQL SECURITY DEFINER
    MODIFIES SQL DATA
BEGIN
{{#reaches}}
    DECLARE v_not_ours_{{reach}} JSON;
{{/reaches}}

    -- A row that is not ours now is locked by somebody, or does not exist.
    SELECT /*+ {{> session}} {{> whole_lists}} JOIN_FIXED_ORDER() */
           CONCAT('[', GROUP_CONCAT(DISTINCT picked.order_id), ']'),
           MAX({{> was_paid}}), COALESCE(SUM(0{{#reaches}}{{#is_counted}} + COALESCE({{> is_reached}}, 0){{/is_counted}}{{/reaches}}), 0){{#reaches}}{{#is_counted}},
           {{> not_ours}}{{/is_counted}}{{/reaches}}
      INTO p_order_ids, p_was_paid, p_reached{{#reaches}}{{#is_counted}}, v_not_ours_{{reach}}{{/is_counted}}{{/reaches}}
      FROM {{> picked}}
      JOIN order_timeout_shop_order AS o ON o.order_id = picked.order_id
      LEFT JOIN order_timeout_hold AS hold FORCE INDEX (PRIMARY) ON hold.order_id = o.order_id
{{#reaches}}
{{#is_counted}}
{{> reached_row}}
{{/is_counted}}
{{/reaches}}
     WHERE o.status = {{orders.pending}} /* pending */ AND NOT {{> is_paid}} AND o.is_alive
       AND o.source_type <=> p_source_type
       AND {{orders.due_from_term}} < p_cutoff
       AND (hold.held_until IS NULL OR hold.held_until <= SYSDATE(3))
       FOR UPDATE OF o SKIP LOCKED
       FOR SHARE OF hold SKIP LOCKED{{#reaches}}{{#is_counted}}
       FOR UPDATE OF row_{{reach}} SKIP LOCKED{{/is_counted}}{{/reaches}};
    SET p_put_off = COALESCE(JSON_LENGTH(p_order_ids), 0);
{{#reaches}}
{{^is_counted}}
    SELECT /*+ {{> session}} {{> whole_lists}} JOIN_FIXED_ORDER() */
           {{> not_ours}}
      INTO v_not_ours_{{reach}}
      FROM {{> picked}}
      JOIN order_timeout_shop_order AS o ON o.order_id = picked.order_id
{{> reached_row}}
       FOR UPDATE OF row_{{reach}} SKIP LOCKED;
{{/is_counted}}
{{/reaches}}
{{#reaches}}
{{> leave_out_locked}}
{{/reaches}}
{{#rules}}
{{#is_named}}
    -- {{kind}}: a row is for one order at a time; the others find another one, or none, in the next run.
    SELECT /*+ {{> session}} */ JSON_ARRAYAGG(rival.order_id)
      INTO p_order_ids
      FROM (SELECT /*+ JOIN_FIXED_ORDER() */ picked.order_id,
                   ROW_NUMBER() OVER (PARTITION BY COALESCE(took.account_id, -picked.order_id) ORDER BY picked.order_id) AS nth
              FROM {{> picked}}
              LEFT JOIN order_timeout_due_{{kind}} AS took ON took.order_id = picked.order_id) AS rival
     WHERE rival.nth = 1;
{{/is_named}}
{{/rules}}
    SET p_put_off = p_put_off - COALESCE(JSON_LENGTH(p_order_ids), 0);
END$$
DELIMITER ;
