    -- A caller's temporary table of such a name would be read and written in the engine's place.
    DROP TEMPORARY TABLE IF EXISTS {{own_names}};
