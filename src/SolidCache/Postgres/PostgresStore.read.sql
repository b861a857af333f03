-- Live entries of many callers, of those that depend on nothing but time. Never writes. A large value is left out: it is fetched
-- alone, so that it holds nobody up.
-- $1 key_hashes bigint[]
-- -> key_hash bigint, key text, value bytea, byte_size integer, touched smallint, slides boolean, created_at timestamptz   (a row for each that is there)
SELECT /* SolidCache/Postgres/PostgresStore.read */
       key_hash, key, CASE WHEN byte_size <= 65536 THEN value END AS value, byte_size, touched,
       sliding_seconds IS NOT NULL AND expires_at < now() + make_interval(secs => sliding_seconds)
           AND expires_at < coalesce(absolute_expires_at, 'infinity') AS slides, created_at
FROM   solid_cache.solid_cache_entries
WHERE  key_hash = ANY ($1) AND expires_at > now();
