-- An old token was presented: somebody has a copy. The session ends, once, with everything cached of it, and listeners and webhooks are told. Not by a trigger, as they are of
-- other changes: every refresh would ask it, and nobody finds a copy by a line typed into psql.
-- $1 id uuid
-- -> user_id bigint   (0 or 1 row)
WITH ended AS (
    UPDATE /* Sessions/RefreshSession.end_reused */ sessions
    SET    revoked_at = now(), revoked_reason = 'token_reuse'
    WHERE  id = $1 AND revoked_at IS NULL
    RETURNING id, user_id
), told AS (
    INSERT INTO authz_changes (kind, user_id, session_id) SELECT 'session.reuse_detected', e.user_id, e.id FROM ended e
)
SELECT e.user_id
FROM   ended e, LATERAL solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag('session:' || e.id)]);
