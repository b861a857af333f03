-- Which of the cache's functions are there.
-- $1 names text[]
-- -> found text[]   (1 row)
SELECT /* Verification/VerifyCacheSchema.find_functions */ coalesce(array_agg(DISTINCT p.proname::text), '{}') AS found
FROM   pg_proc p
WHERE  p.pronamespace = 'solid_cache'::regnamespace AND p.proname::text = ANY ($1);
