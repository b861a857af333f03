-- In the transaction of the file it records.
-- $1 version integer
-- $2 name text
-- $3 checksum bytea
INSERT /* Database/Migrator.insert_applied */ INTO schema_migrations (version, name, checksum)
VALUES ($1, $2, $3);
