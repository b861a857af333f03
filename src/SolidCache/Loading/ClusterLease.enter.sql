-- One of those who want to load a key gets it, unless another has it already. It lapses by itself, should that one die.
-- $1 names text[]
-- $2 owners uuid[]
-- $3 seconds double precision
-- -> owner uuid   (one row for each name that was free)
INSERT /* SolidCache/Loading/ClusterLease.enter */
INTO   solid_cache.solid_cache_leases AS l (name, owner, expires_at)
SELECT DISTINCT ON (q.name) q.name, q.owner, clock_timestamp() + make_interval(secs => $3)
FROM   unnest($1::text[], $2::uuid[]) AS q (name, owner)
ORDER  BY q.name
ON     CONFLICT (name) DO UPDATE SET owner = excluded.owner, expires_at = excluded.expires_at WHERE l.expires_at < clock_timestamp()
RETURNING l.owner;
