-- Marks entries as used since the clock's hand came by; it spares those. Locked rows are left: next time.
-- $1 key_hashes bigint[]
UPDATE /* SolidCache/Postgres/PostgresStore.touch */ solid_cache.solid_cache_entries e
SET    touched = 1
FROM   (SELECT l.key_hash FROM solid_cache.solid_cache_entries l
        WHERE  l.key_hash = ANY ($1) AND l.touched <> 1
        ORDER  BY l.key_hash
        FOR    UPDATE SKIP LOCKED) q
WHERE  e.key_hash = q.key_hash;
