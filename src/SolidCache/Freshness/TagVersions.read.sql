-- The present versions of tags, and who wrote them. What has no row was never bumped: version 0.
-- $1 tags bigint[]
-- -> tag_hash bigint, version bigint, xid xid8   (0 or more rows)
SELECT /* SolidCache/Freshness/TagVersions.read */ tag_hash, version, xid
FROM   solid_cache.solid_cache_tag_versions
WHERE  tag_hash = ANY ($1);
