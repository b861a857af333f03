-- One page and the total, together. Marked places are filled with what the request asks for: order, filter, and where the page begins.
-- $1 place_key text
-- $2 place_tie text
-- $3 limit integer
-- $4 offset integer
-- $5 with_total boolean
-- -> total bigint, is_estimate boolean, place_key text, place_tie text, id bigint, email text, username text, display_name text, is_active boolean,
--    email_verified boolean, created_at timestamptz, updated_at timestamptz, last_login_at timestamptz   (1 row and more; place_key is null if the page is empty)
SELECT /* Users/ListUsers.list_users */
       counted.total, false AS is_estimate, page.sort_value::text AS place_key, page.id::text AS place_tie, page.id, page.email, page.username, page.display_name,
       page.is_active, page.email_verified, page.created_at, page.updated_at, page.last_login_at
FROM  (SELECT CASE WHEN $5 THEN sum(/*counted:*/living/*:counted*/)::bigint END AS total FROM user_counts) counted
LEFT   JOIN LATERAL
      (SELECT u.*, /*key:*/u.id/*:key*/ AS sort_value
       FROM   users u
       WHERE  u.deleted_at IS NULL AND /*filter:*/true/*:filter*/
       AND    /*place:*/(u.id, u.id) > ($1::text::bigint, $2::text::bigint)/*:place*/
       ORDER  BY /*key:*/u.id/*:key*/ /*direction:*/ASC/*:direction*/, u.id /*direction:*/ASC/*:direction*/
       LIMIT  $3 OFFSET $4) page ON true;
