-- What became visible since a snapshot, with everything a lease rests on, in one snapshot of its own. By visibility, not by id or
-- xid alone: ids don't commit in order, and one open transaction would hold all others back.
-- $1 node_id uuid
-- $2 snapshot text
-- -> snapshot text, database_time timestamptz, is_in_recovery boolean, epoch uuid, is_registered boolean, longest_lease interval, rows_read bigint, node_count bigint, tag_hashes bigint[], versions bigint[]   (1 row, and one more for each log row after the first)
WITH recent AS MATERIALIZED (
    SELECT l.xid, l.tag_hashes, l.versions
    FROM   solid_cache.solid_cache_invalidations l
    WHERE  l.xid >= pg_snapshot_xmin($2::text::pg_snapshot)
)
SELECT /* SolidCache/Freshness/InvalidationPoll.poll */
       pg_current_snapshot()::text AS snapshot, clock_timestamp() AS database_time, pg_is_in_recovery() AS is_in_recovery,
       (SELECT i.epoch FROM solid_cache.solid_cache_incarnation i
        WHERE  i.system_identifier = s.system_identifier AND i.timeline = solid_cache.solid_cache_timeline()) AS epoch,
       -- Not only there, but with a heartbeat so young that the row outlives the lease which this poll gives.
       EXISTS (SELECT FROM solid_cache.solid_cache_nodes n WHERE n.node_id = $1 AND n.heartbeat_at > clock_timestamp() - n.lease) AS is_registered,
       (SELECT max(n.lease) FROM solid_cache.solid_cache_nodes n) AS longest_lease,
       (SELECT count(*) FROM recent) AS rows_read,
       (SELECT count(*) FROM solid_cache.solid_cache_nodes) AS node_count,
       r.tag_hashes, r.versions
FROM   pg_control_system() s
LEFT   JOIN recent r ON NOT pg_visible_in_snapshot(r.xid, $2::text::pg_snapshot);
