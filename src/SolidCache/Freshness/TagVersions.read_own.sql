-- What this transaction has bumped so far, by whatever way: calls, triggers, cascades.
-- -> tag_hashes bigint[], versions bigint[], xid xid8, epoch uuid   (0 or more rows)
SELECT /* SolidCache/Freshness/TagVersions.read_own */
       l.tag_hashes, l.versions, l.xid, (SELECT i.epoch FROM solid_cache.solid_cache_incarnation i) AS epoch
FROM   solid_cache.solid_cache_invalidations l
WHERE  l.xid = pg_current_xact_id()
ORDER  BY l.id;
