-- One page and the total, together. The count stops at 10,001: beyond that the exact number costs more than it tells.
-- $1 is_active boolean
-- $2 search text
-- $3 after_key text
-- $4 after_id bigint
-- $5 limit integer
-- $6 offset integer
-- -> total bigint, id bigint, email text, username text, display_name text, is_active boolean, email_verified boolean,
--    created_at timestamptz, updated_at timestamptz, last_login_at timestamptz, sort_key text   (1 row and more; id is null if the page is empty)
SELECT /* Users/ListUsers.list_users */
       counted.total, page.id, page.email, page.username, page.display_name, page.is_active, page.email_verified,
       page.created_at, page.updated_at, page.last_login_at, page.sort_key
FROM  (SELECT count(*) AS total
       FROM  (SELECT FROM users u
              WHERE  u.deleted_at IS NULL AND ($1::boolean IS NULL OR u.is_active = $1)
              AND    ($2::text IS NULL OR lower(u.email) LIKE $2 OR lower(u.username) LIKE $2)
              LIMIT  10001) matches) counted
LEFT   JOIN LATERAL
      (SELECT u.id, u.email, u.username, u.display_name, u.is_active, u.email_verified, u.created_at, u.updated_at, u.last_login_at,
              (/*key:*/u.id/*:key*/)::text AS sort_key
       FROM   users u
       WHERE  u.deleted_at IS NULL AND ($1::boolean IS NULL OR u.is_active = $1)
       AND    ($2::text IS NULL OR lower(u.email) LIKE $2 OR lower(u.username) LIKE $2)
       AND    ($3::text IS NULL OR (/*key:*/u.id/*:key*/, u.id) /*after:*/>/*:after*/ ($3::text::/*type:*/bigint/*:type*/, $4::bigint))
       ORDER  BY /*key:*/u.id/*:key*/ /*direction:*/ASC/*:direction*/, u.id /*direction:*/ASC/*:direction*/
       LIMIT  $5 OFFSET $6) page ON true;
