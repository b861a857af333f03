-- One page of the live sessions of an account, and how many there are, together. Marked places are filled with what the request asks for: order, and where the page
-- begins. All of an account's are read and sorted: there are never more than Sessions:MaxPerUser.
-- $1 place_key text
-- $2 place_tie text
-- $3 limit integer
-- $4 offset integer
-- $5 with_total boolean
-- $6 user_id bigint
-- -> total bigint, is_estimate boolean, place_key text, place_tie text, id uuid, created_at timestamptz, rotated_at timestamptz, idle_expires_at timestamptz,
--    absolute_expires_at timestamptz, ip text, user_agent text   (no row: no such account; place_key is null: the page is empty)
WITH live AS MATERIALIZED (
    SELECT s.id, s.created_at, s.rotated_at, s.idle_expires_at, s.absolute_expires_at, s.ip, s.user_agent
    FROM   sessions s
    WHERE  s.user_id = $6 AND s.revoked_at IS NULL AND now() < s.idle_expires_at AND now() < s.absolute_expires_at)
SELECT /* Sessions/ListSessions.list_sessions */
       CASE WHEN $5 THEN (SELECT count(*) FROM live) END AS total, false AS is_estimate, page.sort_value::text AS place_key, page.id::text AS place_tie,
       page.id, page.created_at, page.rotated_at, page.idle_expires_at, page.absolute_expires_at, host(page.ip), page.user_agent
FROM   users u
LEFT   JOIN LATERAL
      (SELECT s.*, /*key:*/s.created_at/*:key*/ AS sort_value
       FROM   live s
       WHERE  /*place:*/(s.created_at, s.id) > ($1::text::timestamptz, $2::text::uuid)/*:place*/
       ORDER  BY /*key:*/s.created_at/*:key*/ /*direction:*/ASC/*:direction*/, s.id /*direction:*/ASC/*:direction*/
       LIMIT  $3 OFFSET $4) page ON true
WHERE  u.id = $6 AND u.deleted_at IS NULL;
