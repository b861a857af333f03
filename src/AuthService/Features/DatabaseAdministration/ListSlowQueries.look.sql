-- Whether the server counts statements, this database may be asked for them, and this account sees those of others.
-- -> is_loaded boolean, is_created boolean, sees_all boolean   (1 row)
SELECT /* DatabaseAdministration/ListSlowQueries.look */
       current_setting('pg_stat_statements.max', true) IS NOT NULL AS is_loaded,
       to_regclass('pg_stat_statements') IS NOT NULL AND to_regclass('pg_stat_statements_info') IS NOT NULL AS is_created,
       pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all;
