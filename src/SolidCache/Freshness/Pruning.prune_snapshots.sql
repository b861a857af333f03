-- Snapshots older than anything is asked of. The newest of those old enough stays: it is the one that is asked.
-- $1 longest_life_seconds double precision
DELETE /* SolidCache/Freshness/Pruning.prune_snapshots */ FROM solid_cache.solid_cache_snapshots
WHERE  taken_at < (SELECT max(s.taken_at) FROM solid_cache.solid_cache_snapshots s WHERE s.taken_at < clock_timestamp() - make_interval(secs => $1));
