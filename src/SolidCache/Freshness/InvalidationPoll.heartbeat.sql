-- Says what this node has applied, and that it lives. Where nothing rests on it being durable, it need not wait for the disk.
-- $1 node_id uuid
-- $2 applied_snapshot text
-- $3 epoch uuid
-- $4 synchronous_commit text
-- -> node_id uuid   (0 or 1 row)
WITH commit AS (SELECT set_config('synchronous_commit', $4::text, true) AS mode)
UPDATE /* SolidCache/Freshness/InvalidationPoll.heartbeat */ solid_cache.solid_cache_nodes n
SET    applied_snapshot = $2::text::pg_snapshot, heartbeat_at = clock_timestamp()
FROM   commit
WHERE  n.node_id = $1 AND n.epoch = $3 AND commit.mode IS NOT NULL
RETURNING n.node_id;
