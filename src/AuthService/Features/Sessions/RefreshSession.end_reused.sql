-- An old token was presented: somebody has a copy. The session ends, once, with everything cached of it.
-- $1 id uuid
-- -> user_id bigint   (0 or 1 row)
WITH ended AS (
    UPDATE /* Sessions/RefreshSession.end_reused */ sessions
    SET    revoked_at = now(), revoked_reason = 'token_reuse'
    WHERE  id = $1 AND revoked_at IS NULL
    RETURNING id, user_id
)
SELECT e.user_id
FROM   ended e, LATERAL solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag('session:' || e.id)]);
