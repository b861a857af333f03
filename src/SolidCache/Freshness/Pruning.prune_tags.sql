-- Versions of tags that no entry can go by any more: all entries made before them have ended.
-- $1 longest_life_seconds double precision
-- -> tag_hash bigint   (at most 10,000 rows)
DELETE /* SolidCache/Freshness/Pruning.prune_tags */ FROM solid_cache.solid_cache_tag_versions t
USING  (SELECT d.tag_hash
        FROM   solid_cache.solid_cache_tag_versions d,
               (SELECT snapshot FROM solid_cache.solid_cache_snapshots
                WHERE  taken_at < clock_timestamp() - make_interval(secs => $1)
                AND    taken_at > (SELECT i.began_at FROM solid_cache.solid_cache_incarnation i) ORDER BY taken_at DESC LIMIT 1) old
        WHERE  pg_visible_in_snapshot(d.xid, old.snapshot)
        LIMIT  10000
        FOR    UPDATE OF d SKIP LOCKED) gone
WHERE  t.tag_hash = gone.tag_hash AND pg_visible_in_snapshot(t.xid, (SELECT snapshot FROM solid_cache.solid_cache_snapshots
                WHERE  taken_at < clock_timestamp() - make_interval(secs => $1)
                AND    taken_at > (SELECT i.began_at FROM solid_cache.solid_cache_incarnation i) ORDER BY taken_at DESC LIMIT 1))
RETURNING t.tag_hash;
