-- Entries of many callers, sorted by hash, one per hash: two batches can't deadlock. The server's clock makes relative lifetimes
-- absolute. What was loaded in another incarnation of the database is not stored. An entry keeps being touched when it is written over.
-- $1 key_hashes bigint[]
-- $2 keys text[]
-- $3 values bytea[]
-- $4 lifetimes double precision[]
-- $5 expirations timestamptz[]
-- $6 sliding_seconds double precision[]
-- $7 epochs uuid[]
-- $8 tag_ends integer[]
-- $9 tag_hashes bigint[]
-- $10 tag_stamps bigint[]
-- $11 longest_life double precision
INSERT /* SolidCache/Postgres/PostgresStore.write */
INTO   solid_cache.solid_cache_entries AS e
       (key_hash, key, value, created_at, expires_at, absolute_expires_at, sliding_seconds, byte_size, tag_hashes, tag_stamps)
SELECT q.key_hash, q.key, q.value, clock_timestamp(),
       least(l.ends_at, now() + make_interval(secs => 1.1 * q.sliding_seconds)), l.ends_at, q.sliding_seconds, octet_length(q.value),
       CASE WHEN q.epoch IS NOT NULL THEN ($9::bigint[])[coalesce(($8::integer[])[q.n - 1], 0) + 1 : ($8::integer[])[q.n]] END,
       CASE WHEN q.epoch IS NOT NULL THEN ($10::bigint[])[coalesce(($8::integer[])[q.n - 1], 0) + 1 : ($8::integer[])[q.n]] END
FROM   unnest($1::bigint[], $2::text[], $3::bytea[], $4::double precision[], $5::timestamptz[], $6::double precision[], $7::uuid[])
       WITH ORDINALITY AS q (key_hash, key, value, lifetime, expiration, sliding_seconds, epoch, n)
CROSS  JOIN LATERAL (SELECT least(q.expiration, now() + make_interval(secs => q.lifetime), now() + make_interval(secs => $11::double precision)) AS ends_at) l
WHERE  q.epoch IS NULL OR q.epoch = (SELECT i.epoch FROM solid_cache.solid_cache_incarnation i)
ORDER  BY q.n
ON     CONFLICT (key_hash) DO UPDATE
SET    key = excluded.key, value = excluded.value, created_at = excluded.created_at, expires_at = excluded.expires_at,
       absolute_expires_at = excluded.absolute_expires_at, sliding_seconds = excluded.sliding_seconds, byte_size = excluded.byte_size,
       tag_hashes = excluded.tag_hashes, tag_stamps = excluded.tag_stamps;
