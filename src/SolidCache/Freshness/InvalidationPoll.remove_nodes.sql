-- Nodes that can't hold a lease any more: a lease begins at most one lease after the last heartbeat. Heartbeats may be lost in a
-- crash, so an incarnation counts as one.
DELETE /* SolidCache/Freshness/InvalidationPoll.remove_nodes */
FROM   solid_cache.solid_cache_nodes n
USING  solid_cache.solid_cache_incarnation i
WHERE  greatest(n.heartbeat_at, i.began_at) < clock_timestamp() - (2 * n.lease + interval '1 second');
