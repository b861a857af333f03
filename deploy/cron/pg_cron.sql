-- The cache's clean-up by the database itself, with pg_cron, instead of by the nodes. Once, as a superuser, in the service's database, after its first start:
--     psql -d authservice -f pg_cron.sql
-- It may run again. README.md beside this file says what the server needs first.

CREATE EXTENSION IF NOT EXISTS pg_cron;

-- Expired entries, ten thousand at a time with a commit after each: every ten minutes. They are never served, so nothing depends on when.
SELECT cron.schedule('authservice_clean_up', '*/10 * * * *', 'CALL solid_cache.cleanup_all_expired_cache()');

-- pg_cron keeps a line about each run for ever.
SELECT cron.schedule('authservice_clean_up_history', '23 3 * * *', $$DELETE FROM cron.job_run_details WHERE end_time < now() - interval '7 days'$$);
