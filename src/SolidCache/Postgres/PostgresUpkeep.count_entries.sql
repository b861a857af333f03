-- The entries of a part of the pages, counted for all. 100 percent is exact.
-- $1 sample_percent real
-- -> total bigint, expired bigint, bytes bigint, expired_bytes bigint   (1 row)
SELECT /* SolidCache/Postgres/PostgresUpkeep.count_entries */
       (count(*) * 100 / $1)::bigint AS total,
       (count(*) FILTER (WHERE e.expires_at <= now()) * 100 / $1)::bigint AS expired,
       (coalesce(sum(solid_cache.solid_cache_weight(e.key, e.byte_size)), 0) * 100 / $1::numeric)::bigint AS bytes,
       (coalesce(sum(solid_cache.solid_cache_weight(e.key, e.byte_size)) FILTER (WHERE e.expires_at <= now()), 0) * 100 / $1::numeric)::bigint AS expired_bytes
FROM   solid_cache.solid_cache_entries e TABLESAMPLE SYSTEM ($1);
