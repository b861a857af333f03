-- One step of the hand that makes room.
-- $1 bytes bigint
-- $2 max_pages bigint
-- -> freed bigint, deleted bigint, seen bigint, pages bigint   (1 row)
SELECT /* SolidCache/Postgres/PostgresUpkeep.evict */ freed, deleted, seen, pages
FROM   solid_cache.solid_cache_evict($1, $2);
