-- Why a rotation found nothing to rotate. Read only then.
-- $1 id uuid
-- $2 presented_hash bytea
-- $3 grace interval
-- -> user_id bigint, created_at timestamptz, amr text[], gen integer, lives boolean, is_current boolean, is_previous boolean, in_grace boolean   (0 or 1 row)
SELECT /* Sessions/RefreshSession.find_session */
       s.user_id, s.created_at, s.amr, s.gen,
       s.revoked_at IS NULL AND now() < s.idle_expires_at AND now() < s.absolute_expires_at AND u.is_active AND u.deleted_at IS NULL AS lives,
       s.cur_hash = $2 AS is_current,
       coalesce(s.prev_hash = $2, false) AS is_previous,
       now() < s.rotated_at + $3::interval AS in_grace
FROM   sessions s
JOIN   users u ON u.id = s.user_id
WHERE  s.id = $1;
