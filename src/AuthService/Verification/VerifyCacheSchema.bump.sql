-- A new version of a tag, as a trigger makes one.
-- $1 tag text
-- -> version bigint   (1 row)
SELECT /* Verification/VerifyCacheSchema.bump */ b.versions[1] AS version
FROM   solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag($1)]) b;
