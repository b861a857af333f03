-- A session that lives, and what must be known of its account to let it in.
-- $1 id uuid
-- -> user_id bigint, created_at timestamptz, password_is_temporary boolean   (0 or 1 row)
SELECT /* Sessions/LiveSessions.find_session */ s.user_id, s.created_at, u.temporary_password_until IS NOT NULL
FROM   sessions s
JOIN   users u ON u.id = s.user_id
WHERE  s.id = $1 AND s.revoked_at IS NULL AND now() < s.idle_expires_at AND now() < s.absolute_expires_at
AND    u.is_active AND u.deleted_at IS NULL;
