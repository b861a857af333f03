-- What lies between two snapshots: what the earlier does not see and the later does.
-- $1 since text
-- $2 until text
-- $3 limit integer
-- -> is_whole boolean, id bigint, event text   (1 row, and one more for each change after the first)
WITH missed AS MATERIALIZED (
    SELECT c.* FROM authz_changes c
    WHERE  c.xid >= pg_snapshot_xmin($1::text::pg_snapshot)
    AND    NOT pg_visible_in_snapshot(c.xid, $1::text::pg_snapshot) AND pg_visible_in_snapshot(c.xid, $2::text::pg_snapshot)
    ORDER  BY c.xid, c.id
    LIMIT  $3
)
SELECT /* Events/ListenToChanges.catch_up */
       -- An earlier one that is of a later time is of a copy of the database that this one has taken the place of.
       pg_snapshot_xmax($1::text::pg_snapshot) <= pg_snapshot_xmax($2::text::pg_snapshot)
       AND NOT EXISTS (SELECT FROM authz_changes_pruned p WHERE p.xid >= pg_snapshot_xmin($1::text::pg_snapshot)) AS is_whole,
       m.id, json_strip_nulls(json_build_object('id', m.id, 'at', m.at, 'kind', m.kind, 'user_id', m.user_id, 'role_id', m.role_id,
                                                'permission_id', m.permission_id, 'session_id', m.session_id, 'name', m.name))::text AS event
FROM  (SELECT) one LEFT JOIN missed m ON true
ORDER  BY m.id;
