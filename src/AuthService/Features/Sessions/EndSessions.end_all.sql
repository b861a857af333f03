-- The sessions of an account, but for one that may stay, and everything cached of them. The caller has moved users.version in the same
-- transaction, before.
-- $1 user_id bigint
-- $2 except_id uuid
-- $3 reason text
-- -> tag_hashes bigint[], versions bigint[]   (1 row)
WITH ended AS (
    UPDATE /* Sessions/EndSessions.end_all */ sessions
    SET    revoked_at = now(), revoked_reason = $3
    WHERE  user_id = $1 AND revoked_at IS NULL AND ($2::uuid IS NULL OR id <> $2)
    RETURNING id
)
SELECT b.tag_hashes, b.versions
FROM   solid_cache.solid_cache_bump(ARRAY(SELECT solid_cache.solid_cache_tag('session:' || e.id) FROM ended e)) b;
