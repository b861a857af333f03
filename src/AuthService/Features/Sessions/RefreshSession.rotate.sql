-- The whole of a refresh, for all who refresh at this moment: a row moves to the next secret, if the one presented is its current one. Of any
-- number of callers with the same token, on any number of nodes, the row lock lets exactly one through. Rows are locked in one order, and
-- those that somebody else holds are left out: their callers come again one by one. Without that one locked row would hold everybody up, and
-- two such statements could wait for each other. A row that changed while it was waited for is not found by its ctid: its caller comes again.
-- The plan is made once, perhaps while the tables are empty, so it is left no choice but the primary keys: IS TRUE keeps the index on
-- absolute_expires_at out of it, and of a look-up in brackets nobody makes a join.
-- $1 ids uuid[]
-- $2 presented_hashes bytea[]
-- $3 next_hashes bytea[]
-- $4 idle_timeout interval
-- -> id uuid, presented_hash bytea, user_id bigint, created_at timestamptz, amr text[]   (0 or 1 row for each id)
WITH held AS MATERIALIZED (
    SELECT s.ctid, asked.next_hash
    FROM   sessions s
    JOIN   unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS asked (id, presented_hash, next_hash) ON asked.id = s.id
    WHERE  s.id = ANY ($1) AND s.cur_hash = asked.presented_hash AND s.revoked_at IS NULL
    AND    now() < s.idle_expires_at AND (now() < s.absolute_expires_at) IS TRUE
    ORDER  BY s.id
    FOR    UPDATE OF s /*wait:*/SKIP LOCKED/*:wait*/
)
UPDATE /* Sessions/RefreshSession.rotate */ sessions s
SET    prev_hash = s.cur_hash, cur_hash = held.next_hash, gen = s.gen + 1, rotated_at = now(),
       idle_expires_at = least(now() + $4::interval, s.absolute_expires_at)
FROM   held
WHERE  s.ctid = held.ctid
AND    (SELECT u.is_active AND u.deleted_at IS NULL FROM users u WHERE u.id = s.user_id)
RETURNING s.id, s.prev_hash AS presented_hash, s.user_id, s.created_at, s.amr;
