DROP FUNCTION IF EXISTS order_timeout_obstacle;
DELIMITER $$
CREATE FUNCTION order_timeout_obstacle ()
    RETURNS VARCHAR(16) CHARACTER SET ascii
    COMMENT 'Description: says why the sweep must not run on this server now.
Result: read_only: the server takes no writes, belongs to a group and is not its online primary, or receives a
replication channel and is not the sweep_server_uuid of order_timeout_setting; paused: order_timeout_setting says so;
NULL: nothing stands in the way.'
    SQL SECURITY DEFINER
    READS SQL DATA
BEGIN
    DECLARE v_paused BOOLEAN;
    DECLARE v_sweep_server_uuid CHAR(36) CHARACTER SET ascii;

    SELECT MAX(paused), MAX(sweep_server_uuid)
      INTO v_paused, v_sweep_server_uuid
      FROM order_timeout_setting
     WHERE id = 1;

    RETURN CASE
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
        -- What another server writes, that server sweeps too; of a pair that replicates both ways, one may.
        WHEN NOT v_sweep_server_uuid <=> @@server_uuid
             AND EXISTS (SELECT 1 FROM performance_schema.replication_connection_configuration
                          WHERE channel_name NOT IN ('group_replication_applier', 'group_replication_recovery')
                            AND host <> '') THEN 'read_only'
        WHEN v_sweep_server_uuid <> @@server_uuid THEN 'read_only'
        WHEN v_paused THEN 'paused'
    END;
END$$
DELIMITER ;
