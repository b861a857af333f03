-- Since when the server counts what is used.
-- -> since timestamptz   (1 row; null: since the database was made, or the server crashed)
SELECT /* DatabaseAdministration/CheckIndexes.read_since */ s.stats_reset AS since
FROM   pg_stat_database s
WHERE  s.datname = current_database();
