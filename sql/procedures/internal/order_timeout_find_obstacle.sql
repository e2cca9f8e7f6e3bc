DROP PROCEDURE IF EXISTS order_timeout_find_obstacle;
DELIMITER $$
CREATE PROCEDURE order_timeout_find_obstacle (
    OUT p_outcome VARCHAR(16)
)
    COMMENT 'Says why the sweep must not run on this server now.
p_outcome: read_only: the server takes no writes, or belongs to a group and is not its online primary;
paused: order_timeout_setting says so; NULL: nothing stands in the way.'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_paused BOOLEAN;

    SELECT MAX(paused)
      INTO v_paused
      FROM order_timeout_setting;

    SET p_outcome = CASE
        -- innodb_read_only: a server that reads what another one writes to, as in Amazon Aurora.
        WHEN @@GLOBAL.read_only OR @@GLOBAL.super_read_only OR @@GLOBAL.innodb_read_only THEN 'read_only'
        -- A member that was restarted outside its group is writable; only the group's primary may sweep.
        WHEN EXISTS (SELECT 1 FROM performance_schema.replication_group_members)
             AND EXISTS (SELECT 1 FROM performance_schema.global_variables
                          WHERE variable_name = 'group_replication_group_name' AND variable_value <> '')
             AND NOT EXISTS (SELECT 1 FROM performance_schema.replication_group_members
                              WHERE member_id = @@server_uuid
                                AND member_state = 'ONLINE'
                                AND member_role = 'PRIMARY') THEN 'read_only'
        WHEN v_paused THEN 'paused'
    END;
END$$
DELIMITER ;
