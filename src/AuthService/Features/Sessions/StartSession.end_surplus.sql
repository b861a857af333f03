-- Makes room: of the live sessions of an account all but the newest $3 end, with everything cached of them. Runs after touch_user, so
-- log-ins of one account come one after the other and the limit is exact.
-- $1 user_id bigint
-- $2 version bigint
-- $3 keep integer
-- -> id uuid   (the sessions that ended)
WITH ended AS (
    UPDATE /* Sessions/StartSession.end_surplus */ sessions
    SET    revoked_at = now(), revoked_reason = 'surplus'
    WHERE  id IN (SELECT s.id
                  FROM   sessions s
                  JOIN   users u ON u.id = s.user_id AND u.version = $2 AND u.is_active AND u.deleted_at IS NULL
                  WHERE  s.user_id = $1 AND s.revoked_at IS NULL AND now() < s.idle_expires_at AND now() < s.absolute_expires_at
                  ORDER  BY s.created_at DESC, s.id DESC
                  OFFSET $3)
    RETURNING id
), bumped AS (
    SELECT b.tag_hashes FROM solid_cache.solid_cache_bump(ARRAY(SELECT solid_cache.solid_cache_tag('session:' || e.id) FROM ended e)) b
)
SELECT e.id FROM ended e, bumped;
