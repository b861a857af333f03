-- A node that stops lets the next one begin at once.
-- $1 owner uuid
DELETE /* SolidCache/Postgres/PostgresUpkeep.release_lease */
FROM   solid_cache.solid_cache_leases
WHERE  name = 'upkeep' AND owner = $1;
