-- A new incarnation, where the server has lost the one before (crash, restore, promotion) or is another than it was. Of many nodes that
-- notice, one begins it.
INSERT /* SolidCache/Freshness/InvalidationPoll.begin_epoch */
INTO   solid_cache.solid_cache_incarnation AS i (epoch, system_identifier, timeline, began_at, had_nodes)
SELECT gen_random_uuid(), s.system_identifier, solid_cache.solid_cache_timeline(), clock_timestamp(),
       -- A stand-by may have been promoted before it heard of the nodes: only where nothing has ever happened there were none.
       EXISTS (SELECT FROM solid_cache.solid_cache_nodes) OR EXISTS (SELECT FROM solid_cache.solid_cache_snapshots)
       OR EXISTS (SELECT FROM solid_cache.solid_cache_tag_versions)
FROM   pg_control_system() s
ON     CONFLICT (is_only_row) DO UPDATE
SET    epoch = excluded.epoch, system_identifier = excluded.system_identifier, timeline = excluded.timeline, began_at = excluded.began_at,
       had_nodes = excluded.had_nodes
WHERE  (i.system_identifier, i.timeline) <> (excluded.system_identifier, excluded.timeline);
