-- One page of roles with their permissions, and how many there are, together. Marked places are filled with what the request asks for: order, search, and where
-- the page begins. The total looks at no more than $4 rows; if there are more, it is worked out from those.
-- $1 place_key text
-- $2 limit integer
-- $3 offset integer
-- $4 rows_for_total bigint
-- $5 search text
-- -> total bigint, is_estimate boolean, place_key text, place_tie text, id bigint, name text, description text, is_system boolean, created_at timestamptz,
--    updated_at timestamptz, version bigint, permissions text[]   (1 row and more; place_key is null if the page is empty)
SELECT /* Roles/ListRoles.list_roles */
       counted.total, counted.is_estimate, page.sort_value::text AS place_key, '' AS place_tie, page.id, page.name, page.description, page.is_system,
       page.created_at, page.updated_at, page.version,
       -- Each looked up by itself: of tables nobody has analyzed yet PostgreSQL expects a hundred for each role, and would read all permissions for each.
       ARRAY (SELECT (SELECT p.resource || ':' || p.action FROM permissions p WHERE p.id = rp.permission_id) FROM role_permissions rp
              WHERE rp.role_id = page.id ORDER BY 1) AS permissions
FROM  (SELECT CASE WHEN $4 = 0 THEN NULL
                   WHEN (c.seen < $4) IS NOT FALSE THEN c.hits
                   ELSE (c.hits * (SELECT greatest(t.reltuples, c.seen) FROM pg_class t WHERE t.oid = 'roles'::regclass) / c.seen)::bigint END AS total,
              ($4 > 0 AND c.seen = $4) IS TRUE AS is_estimate
       FROM  (SELECT count(*) FILTER (WHERE seen.hit) AS hits, count(*) AS seen
              FROM  (SELECT /*match:*/lower(r.name) LIKE $5/*:match*/ AS hit FROM roles r LIMIT $4) seen) c) counted
LEFT   JOIN LATERAL
      (SELECT r.*, /*key:*/r.name/*:key*/ AS sort_value
       FROM   roles r
       WHERE  /*match:*/lower(r.name) LIKE $5/*:match*/
       AND    /*place:*/r.name > $1::text/*:place*/
       ORDER  BY /*key:*/r.name/*:key*/ /*direction:*/ASC/*:direction*/
       LIMIT  $2 OFFSET $3) page ON true;
