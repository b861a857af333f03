-- The loads are done, or have failed.
-- $1 owners uuid[]
-- $2 names text[]
DELETE /* SolidCache/Loading/ClusterLease.leave */ FROM solid_cache.solid_cache_leases l
USING  (SELECT name, owner FROM unnest($1::uuid[], $2::text[]) AS q (owner, name) ORDER BY name) q
WHERE  l.name = q.name AND l.owner = q.owner;
