-- Sessions, what must be known of their accounts to let them in, and for how long they have yet to live. Also those that have ended: who asks
-- again with their tokens need not ask here. The version is that of the account's tag, in the snapshot of the rest.
-- $1 ids uuid[]
-- -> id uuid, user_id bigint, created_at timestamptz, password_is_temporary boolean, lives boolean, seconds_left double precision, user_version bigint   (0 or 1 row for each id)
SELECT /* Sessions/LiveSessions.find_sessions */
       s.id, s.user_id, s.created_at, u.temporary_password_until IS NOT NULL AS password_is_temporary,
       s.revoked_at IS NULL AND now() < s.idle_expires_at AND now() < s.absolute_expires_at AND u.is_active AND u.deleted_at IS NULL AS lives,
       extract(epoch FROM least(s.idle_expires_at, s.absolute_expires_at) - now())::double precision AS seconds_left,
       coalesce(t.version, 0) AS user_version
FROM   sessions s
JOIN   users u ON u.id = s.user_id
LEFT   JOIN solid_cache.solid_cache_tag_versions t ON t.tag_hash = solid_cache.solid_cache_tag('user:' || s.user_id)
WHERE  s.id = ANY ($1);
