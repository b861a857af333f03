-- How far back the log goes: the transaction before which rows may be missing. Asked after the log was read, so it is never too early.
-- -> xid xid8   (1 row; null: nothing is missing)
SELECT /* SolidCache/Freshness/InvalidationPoll.read_pruned */
       max(pg_snapshot_xmax(s.snapshot)) AS xid
FROM   solid_cache.solid_cache_snapshots s
WHERE  s.has_pruned AND s.taken_at > (SELECT i.began_at FROM solid_cache.solid_cache_incarnation i);
