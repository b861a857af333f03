-- One batch of expired entries, from where the last one stopped. The pages bound how long one statement takes where little has expired.
-- $1 max_rows bigint
-- $2 max_pages bigint
-- -> deleted bigint, seen bigint, pages bigint   (1 row)
SELECT /* SolidCache/Postgres/PostgresUpkeep.clean */ deleted, seen, pages
FROM   solid_cache.solid_cache_clean($1, $2);
