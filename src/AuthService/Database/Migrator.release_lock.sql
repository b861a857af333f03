-- $1 key bigint
-- -> released boolean   (1 row)
SELECT /* Database/Migrator.release_lock */ pg_advisory_unlock($1);
