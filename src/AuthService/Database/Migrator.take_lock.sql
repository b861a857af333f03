-- Waits for the node that migrates; lock_timeout ends the wait with 55P03.
-- $1 key bigint
-- -> nothing void   (1 row)
SELECT /* Database/Migrator.take_lock */ pg_advisory_lock($1);
