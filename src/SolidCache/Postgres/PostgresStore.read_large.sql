-- The value of one large entry, if it is still the one that was found.
-- $1 key_hash bigint
-- $2 created_at timestamptz
-- -> value bytea   (0 or 1 row)
SELECT /* SolidCache/Postgres/PostgresStore.read_large */ value
FROM   solid_cache.solid_cache_entries
WHERE  key_hash = $1 AND created_at = $2 AND expires_at > now();
