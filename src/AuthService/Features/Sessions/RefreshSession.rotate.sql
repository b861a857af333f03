-- The whole of a refresh: one row moves to the next secret, if the one presented is its current one. Of any number of
-- callers with the same token, on any number of nodes, the row lock lets exactly one through.
-- $1 id uuid
-- $2 presented_hash bytea
-- $3 next_hash bytea
-- $4 idle_timeout interval
-- -> user_id bigint, created_at timestamptz, amr text[], roles text[], permissions text[]   (0 or 1 row)
WITH rotated AS (
    UPDATE /* Sessions/RefreshSession.rotate */ sessions s
    SET    prev_hash = s.cur_hash, cur_hash = $3, gen = s.gen + 1, rotated_at = now(),
           idle_expires_at = least(now() + $4::interval, s.absolute_expires_at)
    FROM   users u
    WHERE  s.id = $1 AND s.cur_hash = $2 AND s.revoked_at IS NULL AND now() < s.idle_expires_at AND now() < s.absolute_expires_at
    AND    u.id = s.user_id AND u.is_active AND u.deleted_at IS NULL
    RETURNING s.user_id, s.created_at, s.amr
)
SELECT r.user_id, r.created_at, r.amr, rights.roles, rights.permissions
FROM   rotated r
CROSS  JOIN LATERAL user_rights(r.user_id) AS rights;
