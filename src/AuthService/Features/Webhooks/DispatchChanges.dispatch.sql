-- A job for each change that has become visible since the position and each webhook that wants it, and the position moved to what this statement sees: nothing falls between.
-- A statement of its own after the lock, so that its snapshot is younger than the position. The ids are UUIDv7, as of all jobs. users.changed and roles.changed stand for many changes
-- of any kind, so every webhook is sent them.
-- $1 since text
-- $2 max_tries integer
-- -> jobs bigint, is_incomplete boolean   (1 row)
WITH fresh AS MATERIALIZED (
    SELECT c.id, c.at, c.kind, jsonb_strip_nulls(jsonb_build_object('change_id', c.id, 'user_id', c.user_id, 'role_id', c.role_id, 'permission_id', c.permission_id, 'name', c.name)) AS data
    FROM   authz_changes c
    WHERE  c.xid >= pg_snapshot_xmin($1::text::pg_snapshot) AND NOT pg_visible_in_snapshot(c.xid, $1::text::pg_snapshot)
), made AS (
    INSERT INTO jobs (id, kind, arguments, run_at, last_try)
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid,
           'deliver_webhook', jsonb_build_object('webhook_id', w.id, 'type', f.kind, 'occurred_at', f.at, 'data', f.data), now(), $2
    FROM   fresh f JOIN webhooks w ON w.is_active AND (w.events && ARRAY['*', f.kind] OR f.kind IN ('users.changed', 'roles.changed'))
    ORDER  BY f.id
    RETURNING 1
), moved AS (
    UPDATE webhook_position SET snapshot = pg_current_snapshot()
)
SELECT /* Webhooks/DispatchChanges.dispatch */ count(*) AS jobs,
       pg_snapshot_xmax($1::text::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot())
       OR EXISTS (SELECT FROM authz_changes_pruned p WHERE p.xid >= pg_snapshot_xmin($1::text::pg_snapshot) AND NOT pg_visible_in_snapshot(p.xid, $1::text::pg_snapshot)) AS is_incomplete
FROM   made;
