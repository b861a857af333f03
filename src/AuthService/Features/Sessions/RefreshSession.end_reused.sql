-- An old token was presented: somebody has a copy. The session ends, once.
-- $1 id uuid
-- -> user_id bigint   (0 or 1 row)
UPDATE /* Sessions/RefreshSession.end_reused */ sessions
SET    revoked_at = now(), revoked_reason = 'token_reuse'
WHERE  id = $1 AND revoked_at IS NULL
RETURNING user_id;
