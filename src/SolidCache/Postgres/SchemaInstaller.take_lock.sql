-- One node at a time installs; the lock goes with the transaction.
-- $1 key bigint
SELECT /* SolidCache/Postgres/SchemaInstaller.take_lock */ pg_advisory_xact_lock($1);
