-- What has become visible since a snapshot, and the snapshot that sees it: one statement, so nothing falls between the two. By visibility and not by
-- id: of two transactions the one with the higher ids may commit first. In the order of xid, because that is the order of the index; some thousand rows
-- are put in order of their ids afterwards.
-- $1 since text
-- $2 limit integer
-- -> snapshot text, epoch uuid, id bigint, event text   (1 row, and one more for each change after the first)
WITH recent AS MATERIALIZED (
    SELECT c.* FROM authz_changes c
    WHERE  c.xid >= pg_snapshot_xmin($1::text::pg_snapshot) AND NOT pg_visible_in_snapshot(c.xid, $1::text::pg_snapshot)
    ORDER  BY c.xid, c.id
    LIMIT  $2
)
SELECT /* Events/ChangeFeed.poll */
       pg_current_snapshot()::text AS snapshot,
       (SELECT i.epoch FROM solid_cache.solid_cache_incarnation i
        WHERE  i.system_identifier = s.system_identifier AND i.timeline = solid_cache.solid_cache_timeline()) AS epoch,
       r.id, json_strip_nulls(json_build_object('id', r.id, 'at', r.at, 'kind', r.kind, 'user_id', r.user_id, 'role_id', r.role_id,
                                                'permission_id', r.permission_id, 'session_id', r.session_id, 'name', r.name))::text AS event
FROM   pg_control_system() s LEFT JOIN recent r ON true
ORDER  BY r.id;
