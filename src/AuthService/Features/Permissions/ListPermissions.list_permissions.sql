-- One page of permissions, and how many there are, together. Marked places are filled with what the request asks for: order, search, and where the page begins.
-- The total looks at no more than $5 rows; if there are more, it is worked out from those.
-- $1 place_key text
-- $2 place_tie text
-- $3 limit integer
-- $4 offset integer
-- $5 rows_for_total bigint
-- $6 search text
-- -> total bigint, is_estimate boolean, place_key text, place_tie text, id bigint, resource text, action text, description text, is_system boolean,
--    created_at timestamptz, updated_at timestamptz, version bigint   (1 row and more; place_key is null if the page is empty)
SELECT /* Permissions/ListPermissions.list_permissions */
       counted.total, counted.is_estimate, page.sort_value::text AS place_key, page.sort_tie::text AS place_tie, page.id, page.resource, page.action,
       page.description, page.is_system, page.created_at, page.updated_at, page.version
FROM  (SELECT CASE WHEN $5 = 0 THEN NULL
                   WHEN (c.seen < $5) IS NOT FALSE THEN c.hits
                   ELSE (c.hits * (SELECT greatest(t.reltuples, c.seen) FROM pg_class t WHERE t.oid = 'permissions'::regclass) / c.seen)::bigint END AS total,
              ($5 > 0 AND c.seen = $5) IS TRUE AS is_estimate
       FROM  (SELECT count(*) FILTER (WHERE seen.hit) AS hits, count(*) AS seen
              FROM  (SELECT /*match:*/lower(p.resource || ':' || p.action) LIKE $6/*:match*/ AS hit FROM permissions p LIMIT $5) seen) c) counted
LEFT   JOIN LATERAL
      (SELECT p.*, /*key:*/p.resource/*:key*/ AS sort_value, /*tie:*/p.action/*:tie*/ AS sort_tie
       FROM   permissions p
       WHERE  /*match:*/lower(p.resource || ':' || p.action) LIKE $6/*:match*/
       AND    /*place:*/(p.resource, p.action) > ($1::text, $2::text)/*:place*/
       ORDER  BY /*key:*/p.resource/*:key*/ /*direction:*/ASC/*:direction*/, /*tie:*/p.action/*:tie*/ /*direction:*/ASC/*:direction*/
       LIMIT  $3 OFFSET $4) page ON true;
