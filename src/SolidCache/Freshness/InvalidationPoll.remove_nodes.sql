-- Nodes that can't hold a lease any more: a lease begins at most one lease after the last heartbeat. Heartbeats may be lost in a
-- crash, so an incarnation counts as one.
-- $1 database_time timestamptz
DELETE /* SolidCache/Freshness/InvalidationPoll.remove_nodes */
FROM   solid_cache.solid_cache_nodes n
USING  solid_cache.solid_cache_incarnation i
WHERE  greatest(n.heartbeat_at, i.began_at) < $1::timestamptz - (2 * n.lease + interval '1 second');
