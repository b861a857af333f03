-- One step: a job for each of the next changes that the position does not see and each webhook that wants it. A step that comes to the end of what there is moves the position to
-- what this statement sees, so nothing falls between. One that does not says up to where the steps after it go, and how far it came: what lies between two snapshots no longer
-- changes, so it can be gone through in any order, here that of an index. A statement of its own after the lock, so that its snapshot is younger than the position.
-- The ids are UUIDv7, as of all jobs. users.changed and roles.changed stand for many changes of any kind, so every webhook is sent them.
-- $1 max_tries integer
-- $2 limit integer
-- -> jobs bigint, is_incomplete boolean, has_more boolean   (1 row)
WITH place AS MATERIALIZED (
    SELECT p.snapshot AS since, coalesce(p.last_xid, pg_snapshot_xmin(p.snapshot)) AS last_xid, coalesce(p.last_id, 0) AS last_id, p.upto IS NOT NULL AS is_under_way,
           CASE WHEN pg_snapshot_xmax(p.upto) <= pg_snapshot_xmax(pg_current_snapshot()) THEN p.upto ELSE pg_current_snapshot() END AS upto
    FROM   webhook_position p
), fresh AS MATERIALIZED (
    SELECT c.*
    FROM   place p
    CROSS  JOIN LATERAL
          (SELECT c.id, c.xid, c.at, c.kind, jsonb_strip_nulls(jsonb_build_object('change_id', c.id, 'user_id', c.user_id, 'role_id', c.role_id,
                                                                                 'permission_id', c.permission_id, 'session_id', c.session_id, 'name', c.name)) AS data
           FROM   authz_changes c
           WHERE  (c.xid, c.id) > (p.last_xid, p.last_id)
           AND    NOT pg_visible_in_snapshot(c.xid, p.since) AND pg_visible_in_snapshot(c.xid, p.upto)
           ORDER  BY c.xid, c.id
           LIMIT  $2) c
), made AS (
    INSERT INTO jobs (id, kind, arguments, run_at, last_try)
    SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid,
           'deliver_webhook', jsonb_build_object('webhook_id', w.id, 'type', f.kind, 'occurred_at', f.at, 'data', f.data), now(), $1
    FROM   fresh f JOIN webhooks w ON w.is_active AND (w.events && ARRAY['*', f.kind] OR f.kind IN ('users.changed', 'roles.changed'))
    ORDER  BY f.id
    RETURNING 1
), reached AS (
    SELECT p.*, (SELECT count(*) = $2 FROM fresh) AS is_full, l.xid, l.id
    FROM   place p LEFT JOIN (SELECT f.xid, f.id FROM fresh f ORDER BY f.xid DESC, f.id DESC LIMIT 1) l ON true
), moved AS (
    UPDATE webhook_position w
    SET    snapshot = CASE WHEN r.is_full THEN w.snapshot ELSE r.upto END,
           upto     = CASE WHEN r.is_full THEN r.upto END,
           last_xid = CASE WHEN r.is_full THEN r.xid END,
           last_id  = CASE WHEN r.is_full THEN r.id END
    FROM   reached r
)
SELECT /* Webhooks/DispatchChanges.dispatch */ (SELECT count(*) FROM made) AS jobs,
       pg_snapshot_xmax(r.since) > pg_snapshot_xmax(pg_current_snapshot())
       OR EXISTS (SELECT FROM authz_changes_pruned p WHERE p.xid >= pg_snapshot_xmin(r.since) AND NOT pg_visible_in_snapshot(p.xid, r.since)) AS is_incomplete,
       r.is_full OR r.is_under_way AS has_more   -- what came while the steps were under way
FROM   reached r;
