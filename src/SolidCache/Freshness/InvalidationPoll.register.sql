-- Puts this node among those that changes wait for. Committed durably before the snapshot on which a lease rests, whatever the server does by
-- default: a registration lost in a crash would be a node nobody waits for.
-- $1 node_id uuid
-- $2 lease interval
-- $3 applied_snapshot text
-- -> epoch uuid   (0 or 1 row)
WITH durable AS MATERIALIZED (
    SELECT CASE WHEN current_setting('synchronous_commit') IN ('on', 'remote_apply') THEN 'as it is'
                ELSE set_config('synchronous_commit', 'on', true) END AS mode
)
INSERT /* SolidCache/Freshness/InvalidationPoll.register */
INTO   solid_cache.solid_cache_nodes AS n (node_id, lease, epoch, applied_snapshot, heartbeat_at)
SELECT $1, $2::interval, i.epoch, $3::text::pg_snapshot, clock_timestamp()
FROM   solid_cache.solid_cache_incarnation i, durable
WHERE  durable.mode IS NOT NULL
ON     CONFLICT (node_id) DO UPDATE
SET    lease = greatest(n.lease, excluded.lease), epoch = excluded.epoch, applied_snapshot = excluded.applied_snapshot, heartbeat_at = excluded.heartbeat_at
RETURNING n.epoch;
