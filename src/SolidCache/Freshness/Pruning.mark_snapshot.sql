-- Says by which snapshot the log is going to be pruned, before it is: whoever finds rows missing finds this as well.
-- $1 retention_seconds double precision
UPDATE /* SolidCache/Freshness/Pruning.mark_snapshot */ solid_cache.solid_cache_snapshots s
SET    has_pruned = true
WHERE  NOT s.has_pruned
AND    s.taken_at = (SELECT o.taken_at FROM solid_cache.solid_cache_snapshots o
                     WHERE  o.taken_at < clock_timestamp() - make_interval(secs => $1)
                     AND    o.taken_at > (SELECT i.began_at FROM solid_cache.solid_cache_incarnation i) ORDER BY o.taken_at DESC LIMIT 1);
