-- One node at a time cleans up. Whoever has the lease may take it again; anybody may when it has run out.
-- $1 owner uuid
-- $2 seconds double precision
-- -> owner uuid   (1 row; none: another node has it)
INSERT /* SolidCache/Postgres/PostgresUpkeep.take_lease */
INTO   solid_cache.solid_cache_leases AS l (name, owner, expires_at)
VALUES ('upkeep', $1, now() + make_interval(secs => $2))
ON     CONFLICT (name) DO UPDATE
SET    owner = excluded.owner, expires_at = excluded.expires_at
WHERE  l.owner = excluded.owner OR l.expires_at < now()
RETURNING l.owner;
