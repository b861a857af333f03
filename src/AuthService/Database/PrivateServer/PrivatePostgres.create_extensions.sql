-- Extensions that help but that nothing depends on: an installation without contrib lacks them, a server of the operator's may
-- forbid them.
DO /* Database/PrivatePostgres.create_extensions */ $$
DECLARE
    wanted text;
BEGIN
    FOR wanted IN
        SELECT name FROM pg_available_extensions
        WHERE  name IN ('pg_stat_statements', 'pg_trgm') AND installed_version IS NULL
    LOOP
        EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I', wanted);
    END LOOP;
END $$;
