-- The whole of a refresh, for all who refresh at this moment: a row moves to the next secret, if the one presented is its current one. Of any
-- number of callers with the same token, on any number of nodes, the row lock lets exactly one through. Rows are locked in one order, and
-- those that somebody else holds are left out: their callers come again one by one. Without that one locked row would hold everybody up, and
-- two such statements could wait for each other.
-- $1 ids uuid[]
-- $2 presented_hashes bytea[]
-- $3 next_hashes bytea[]
-- $4 idle_timeout interval
-- -> id uuid, presented_hash bytea, user_id bigint, created_at timestamptz, amr text[]   (0 or 1 row for each id)
WITH free AS MATERIALIZED (
    SELECT s.id FROM sessions s WHERE s.id = ANY ($1) ORDER BY s.id FOR UPDATE /*wait:*/SKIP LOCKED/*:wait*/
)
UPDATE /* Sessions/RefreshSession.rotate */ sessions s
SET    prev_hash = s.cur_hash, cur_hash = asked.next_hash, gen = s.gen + 1, rotated_at = now(),
       idle_expires_at = least(now() + $4::interval, s.absolute_expires_at)
FROM   unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS asked (id, presented_hash, next_hash)
JOIN   free ON free.id = asked.id, users u
WHERE  s.id = asked.id AND s.cur_hash = asked.presented_hash AND s.revoked_at IS NULL AND now() < s.idle_expires_at AND now() < s.absolute_expires_at
AND    u.id = s.user_id AND u.is_active AND u.deleted_at IS NULL
RETURNING s.id, s.prev_hash AS presented_hash, s.user_id, s.created_at, s.amr;
