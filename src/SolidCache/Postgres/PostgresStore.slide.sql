-- Moves the end of sliding entries, at most once in a tenth of their window: the end stands 1.1 windows ahead, so that one that was
-- used lives for a window at least. Whoever gives created_at has read the entry and means that one only. Locked rows are left: what
-- holds them writes anew.
-- $1 key_hashes bigint[]
-- $2 keys text[]
-- $3 created_at timestamptz[]
UPDATE /* SolidCache/Postgres/PostgresStore.slide */ solid_cache.solid_cache_entries e
SET    expires_at = least(now() + make_interval(secs => 1.1 * e.sliding_seconds), e.absolute_expires_at), touched = 1
FROM   (SELECT l.key_hash
        FROM   unnest($1::bigint[], $2::text[], $3::timestamptz[]) AS q (h, k, created_at)
        JOIN   solid_cache.solid_cache_entries l ON l.key_hash = q.h AND l.key = q.k
        WHERE  (q.created_at IS NULL OR l.created_at = q.created_at)
        AND    l.expires_at > now() AND l.expires_at < now() + make_interval(secs => l.sliding_seconds)
        ORDER  BY l.key_hash
        FOR    UPDATE OF l SKIP LOCKED) q
WHERE  e.key_hash = q.key_hash;
