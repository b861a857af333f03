-- Which version of the cache's schema is installed.
-- -> version integer   (1 row)
SELECT /* Verification/VerifyCacheSchema.read_version */ coalesce(max(version), 0) AS version
FROM   solid_cache.solid_cache_schema;
