-- Once, as a superuser, in the service's database (psql -d authservice -f init.sql), after the server was started with authservice.conf.
-- It may run again. The account of the service is called authservice here, as in docs/operate/install.md.

-- What each statement costs, for GET /admin/slow-queries and for you.
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;

-- Search by parts of names. The owner of the database may create it too; where that is forbidden, it is here.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Statements of other sessions than its own, and counts of all. Shows no row of any table.
GRANT pg_read_all_stats TO authservice;

-- Settings that only superusers see otherwise: `authservice verify` looks at shared_preload_libraries.
GRANT pg_read_all_settings TO authservice;
