-- Does the database answer, and how far is its schema?
-- -> version integer   (1 row)
SELECT /* Health/DatabaseLook.read_version */ coalesce(max(m.version), 0) AS version
FROM   schema_migrations m;
