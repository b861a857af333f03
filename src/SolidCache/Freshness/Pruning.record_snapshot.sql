-- Once a minute, by whichever node comes first: what is visible now.
-- $1 interval_seconds double precision
INSERT /* SolidCache/Freshness/Pruning.record_snapshot */ INTO solid_cache.solid_cache_snapshots (taken_at, snapshot)
SELECT clock_timestamp(), pg_current_snapshot()
WHERE  NOT EXISTS (SELECT FROM solid_cache.solid_cache_snapshots WHERE taken_at > clock_timestamp() - make_interval(secs => $1));
