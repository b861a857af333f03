-- One live session of its owner, and everything cached of it; of many callers exactly one gets a row.
-- $1 id uuid
-- $2 user_id bigint
-- $3 reason text
-- -> id uuid   (0 or 1 row)
WITH ended AS (
    UPDATE /* Sessions/EndSessions.end_one */ sessions
    SET    revoked_at = now(), revoked_reason = $3
    WHERE  id = $1 AND user_id = $2 AND revoked_at IS NULL AND now() < idle_expires_at AND now() < absolute_expires_at
    RETURNING id
)
SELECT e.id
FROM   ended e, LATERAL solid_cache.solid_cache_bump(ARRAY[solid_cache.solid_cache_tag('session:' || e.id)]);
