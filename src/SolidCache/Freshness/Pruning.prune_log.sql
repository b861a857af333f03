-- Log rows that everybody must have read: visible in a snapshot recorded a retention ago, and marked as what is pruned by. Their own time says
-- nothing, for their transaction may have been open since. Snapshots from before a crash say nothing either: xids are used again after one.
-- -> id bigint   (at most 10,000 rows)
DELETE /* SolidCache/Freshness/Pruning.prune_log */ FROM solid_cache.solid_cache_invalidations l
USING  (SELECT d.ctid AS place
        FROM   solid_cache.solid_cache_invalidations d,
               (SELECT snapshot FROM solid_cache.solid_cache_snapshots
                WHERE  has_pruned
                AND    taken_at > (SELECT i.began_at FROM solid_cache.solid_cache_incarnation i) ORDER BY taken_at DESC LIMIT 1) old
        WHERE  d.xid < pg_snapshot_xmax(old.snapshot) AND pg_visible_in_snapshot(d.xid, old.snapshot)
        LIMIT  10000
        FOR    UPDATE OF d SKIP LOCKED) gone
WHERE  l.ctid = gone.place
RETURNING l.id;
