    -- A caller's temporary table of such a name would be read and written in the engine's place.
    DROP TEMPORARY TABLE IF EXISTS {{own_names}}{{#tables_read}}, {{.}}{{/tables_read}};
    -- Nor does a caller say which ids the engine's rows get.
    IF @@SESSION.insert_id > 0 THEN
        CALL order_timeout_refuse_insert_id();
    END IF;
