-- One page of the accounts that match, and how many there are, together. A sample of some 2,000 rows tells first whether many match. If not, an index finds
-- all of them, and they are sorted; if so, that would be most of the table, and the page is filled by going through it in order.
-- $1 place_key text
-- $2 place_tie text
-- $3 limit integer
-- $4 offset integer
-- $5 with_total boolean
-- $6 search text
-- $7 exact boolean
-- -> total bigint, is_estimate boolean, place_key text, place_tie text, id bigint, email text, username text, display_name text, is_active boolean,
--    email_verified boolean, created_at timestamptz, updated_at timestamptz, last_login_at timestamptz   (1 row and more; place_key is null if the page is empty)
WITH sample AS MATERIALIZED (
    SELECT count(*) FILTER (WHERE /*match:*/lower(u.email) LIKE $6 OR lower(u.username) LIKE $6/*:match*/) AS hits, count(*) AS seen
    FROM   users u TABLESAMPLE SYSTEM (least(100, 200000 / greatest((SELECT c.reltuples FROM pg_class c WHERE c.oid = 'users'::regclass), 1)))
    WHERE  u.deleted_at IS NULL AND /*filter:*/true/*:filter*/),
verdict AS MATERIALIZED (
    SELECT s.hits * 10 > s.seen AS is_frequent, s.hits, s.seen, (SELECT c.reltuples <= 2000 FROM pg_class c WHERE c.oid = 'users'::regclass) AS is_whole FROM sample s),
found AS MATERIALIZED (
    SELECT u.id, /*key:*/u.id/*:key*/ AS sort_value
    FROM   users u
    WHERE  u.deleted_at IS NULL AND /*filter:*/true/*:filter*/
    AND   (/*match:*/lower(u.email) LIKE $6 OR lower(u.username) LIKE $6/*:match*/)
    AND    NOT (SELECT v.is_frequent FROM verdict v)),
page AS (
   (SELECT u.id, u.sort_value
    FROM   found u
    WHERE  /*found_place:*/(u.sort_value, u.id) > ($1::text::bigint, $2::text::bigint)/*:found_place*/
    ORDER  BY u.sort_value /*direction:*/ASC/*:direction*/, u.id /*direction:*/ASC/*:direction*/
    LIMIT  $3 OFFSET $4)
    UNION ALL
   (SELECT u.id, /*key:*/u.id/*:key*/
    FROM   users u
    WHERE  u.deleted_at IS NULL AND /*filter:*/true/*:filter*/
    AND   (/*match:*/lower(u.email) LIKE $6 OR lower(u.username) LIKE $6/*:match*/)
    AND   (SELECT v.is_frequent FROM verdict v)
    AND    /*place:*/(u.id, u.id) > ($1::text::bigint, $2::text::bigint)/*:place*/
    ORDER  BY /*key:*/u.id/*:key*/ /*direction:*/ASC/*:direction*/, u.id /*direction:*/ASC/*:direction*/
    LIMIT  $3 OFFSET $4)),
counted AS (
    SELECT CASE WHEN NOT $5 THEN NULL
                WHEN NOT v.is_frequent THEN (SELECT count(*) FROM found)
                WHEN v.is_whole THEN v.hits
                WHEN $7 THEN (SELECT count(*) FROM users u WHERE u.deleted_at IS NULL AND /*filter:*/true/*:filter*/ AND (/*match:*/lower(u.email) LIKE $6 OR lower(u.username) LIKE $6/*:match*/))
                ELSE ((SELECT sum(/*counted:*/living/*:counted*/) FROM user_counts) * v.hits / v.seen)::bigint END AS total,
           $5 AND v.is_frequent AND NOT v.is_whole AND NOT $7 AS is_estimate
    FROM   verdict v)
SELECT /* Users/ListUsers.search_users */
       counted.total, counted.is_estimate, page.sort_value::text AS place_key, u.id::text AS place_tie, u.id, u.email, u.username, u.display_name,
       u.is_active, u.email_verified, u.created_at, u.updated_at, u.last_login_at
FROM   counted
LEFT   JOIN (page JOIN users u USING (id)) ON true
ORDER  BY page.sort_value /*direction:*/ASC/*:direction*/, page.id /*direction:*/ASC/*:direction*/;
