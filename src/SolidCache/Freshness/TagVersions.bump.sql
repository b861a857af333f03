-- New versions for the tags of many callers: one durable commit for all. Run in a caller's transaction, it is part of that.
-- $1 tags bigint[]
-- -> tag_hashes bigint[], versions bigint[], xid xid8, epoch uuid   (1 row)
SELECT /* SolidCache/Freshness/TagVersions.bump */
       b.tag_hashes, b.versions, pg_current_xact_id() AS xid, (SELECT i.epoch FROM solid_cache.solid_cache_incarnation i) AS epoch
FROM   solid_cache.solid_cache_bump($1) b;
