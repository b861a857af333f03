-- How far the schema is. Fails where it isn't there (42P01).
-- -> version integer   (1 row)
SELECT /* SolidCache/Postgres/SchemaInstaller.read_version */ coalesce(max(version), 0) AS version
FROM   solid_cache.solid_cache_schema;
