-- One page of jobs, and how many there are, together. Marked places are filled with what the request asks for: order, where the page begins, and the state, for which
-- there are indexes. The total looks at no more than $5 jobs; if there are more, it is at least so many.
-- $1 place_key text
-- $2 place_tie text
-- $3 limit integer
-- $4 offset integer
-- $5 rows_for_total bigint
-- $6 kind text
-- -> total bigint, is_estimate boolean, place_key text, place_tie text, id uuid, kind text, state text, unique_key text, enqueued_at timestamptz, run_at timestamptz,
--    started_at timestamptz, ended_at timestamptz, node text, result text, failed_tries text   (1 row and more; place_key is null: the page is empty)
SELECT /* JobAdministration/ListJobs.list_jobs */
       counted.total, counted.is_estimate, page.id::text AS place_key, coalesce($2::text, '') AS place_tie, page.id, page.kind, page.state, page.unique_key, page.enqueued_at, page.run_at,
       page.started_at, page.ended_at, page.node, page.result, page.failed_tries::text
FROM  (SELECT CASE WHEN $5 = 0 THEN NULL ELSE count(*) END AS total, ($5 > 0 AND count(*) = $5) IS TRUE AS is_estimate
       FROM  (SELECT FROM jobs j WHERE /*state:*/j.state = 'dead'/*:state*/ AND ($6::text IS NULL OR j.kind = $6) LIMIT $5) seen) counted
LEFT   JOIN LATERAL
      (SELECT j.*
       FROM   jobs j
       WHERE  /*state:*/j.state = 'dead'/*:state*/ AND ($6::text IS NULL OR j.kind = $6)
       AND    /*place:*/j.id < $1::text::uuid/*:place*/
       ORDER  BY j.id /*direction:*/DESC/*:direction*/
       LIMIT  $3 OFFSET $4) page ON true;
