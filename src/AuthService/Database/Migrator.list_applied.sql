-- Whole on purpose: one row a released file, and each one's checksum is compared.
-- -> version int, name text, checksum bytea
SELECT /* Database/Migrator.list_applied */ version, name, checksum
FROM   schema_migrations
ORDER  BY version;
