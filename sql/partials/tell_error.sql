        GET STACKED DIAGNOSTICS CONDITION 1 p_error_number = MYSQL_ERRNO, p_error_message = MESSAGE_TEXT;
        ROLLBACK AND NO CHAIN NO RELEASE;
        IF p_error_number IN ({{> servers_errors}}) THEN
            RESIGNAL;
        END IF;
        -- With max_error_count = 0 the server keeps no error to be told.
        SET p_error_number = COALESCE(p_error_number, 0), p_error_message = COALESCE(p_error_message, 'unknown: max_error_count is 0');
