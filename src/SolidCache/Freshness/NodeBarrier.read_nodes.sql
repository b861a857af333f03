-- Who may answer from memory, and what each has applied.
-- -> node_id uuid, lease interval, epoch uuid, applied_snapshot text, epoch_age interval   (one row for each node)
SELECT /* SolidCache/Freshness/NodeBarrier.read_nodes */
       n.node_id, n.lease, n.epoch, n.applied_snapshot::text AS applied_snapshot,
       CASE WHEN i.had_nodes THEN clock_timestamp() - i.began_at ELSE interval '1 day' END AS epoch_age
FROM   solid_cache.solid_cache_nodes n
LEFT   JOIN solid_cache.solid_cache_incarnation i ON i.epoch = n.epoch;
