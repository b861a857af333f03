-- Asked before reading the table, so that a plan on an empty database needs no right to create anything.
-- -> exists boolean   (1 row)
SELECT /* Database/Migrator.find_table */ to_regclass('schema_migrations') IS NOT NULL;
