-- Entries of many callers.
-- $1 key_hashes bigint[]
-- $2 keys text[]
DELETE /* SolidCache/Postgres/PostgresStore.remove */
FROM   solid_cache.solid_cache_entries e
USING  (SELECT h, k FROM unnest($1::bigint[], $2::text[]) AS q (h, k) ORDER BY h) q
WHERE  e.key_hash = q.h AND e.key = q.k;
