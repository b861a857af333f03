-- One page of the audit trail, and how many events there are, together. Marked places are filled with what the request asks for: order, where the page begins, and
-- the filters that have an index. The total looks at no more than $5 events, the newest ones; if there are more, it is worked out from those, or is at least so many.
-- $1 place_key text
-- $2 place_tie text
-- $3 limit integer
-- $4 offset integer
-- $5 rows_for_total bigint
-- $6 from_time timestamptz
-- $7 to_time timestamptz
-- $8 outcome text
-- $9 target_type text
-- $10 type text
-- $11 actor_id bigint
-- $12 target_id text
-- $13 request_id text
-- -> total bigint, is_estimate boolean, place_key text, place_tie text, id uuid, ts timestamptz, type text, actor_type text, actor_id bigint, session_id uuid,
--    target_type text, target_id text, outcome text, reason text, changed text[], ip text, user_agent text, request_id text, trace_id text, seal bigint   (1 row and more; place_key is null: the page is empty)
SELECT /* AuditEvents/ListAuditEvents.list_events */
       counted.total, counted.is_estimate, page.ts::text AS place_key, page.id::text AS place_tie, page.id, page.ts, page.type, page.actor_type, page.actor_id, page.session_id,
       page.target_type, page.target_id, page.outcome, page.reason,
       CASE WHEN page.diff ? 'changed' THEN ARRAY (SELECT jsonb_array_elements_text(page.diff -> 'changed')) END AS changed,
       host(page.ip) AS ip, page.user_agent, page.request_id, page.trace_id, (SELECT s.number FROM audit_seals s WHERE s.event_id = page.id) AS seal
FROM  (SELECT CASE WHEN $5 = 0 THEN NULL
                   WHEN (c.seen < $5) IS NOT FALSE OR NOT /*is_whole:*/true/*:is_whole*/ THEN c.hits
                   ELSE (c.hits * (SELECT greatest(sum(t.reltuples), c.seen) FROM pg_inherits i JOIN pg_class t ON t.oid = i.inhrelid
                                   WHERE i.inhparent = 'audit_events'::regclass) / c.seen)::bigint END AS total,
              ($5 > 0 AND c.seen = $5) IS TRUE AS is_estimate
       FROM  (SELECT count(*) FILTER (WHERE seen.hit) AS hits, count(*) AS seen
              FROM  (SELECT ($8::text IS NULL OR e.outcome = $8) AND ($9::text IS NULL OR e.target_type = $9) AS hit
                     FROM   audit_events e
                     WHERE  /*filter:*/($10::text IS NULL OR e.type = $10) AND ($11::bigint IS NULL OR e.actor_id = $11) AND ($12::text IS NULL OR e.target_id = $12)
                            AND ($13::text IS NULL OR e.request_id = $13)/*:filter*/
                     AND    e.ts >= $6 AND e.ts < $7
                     ORDER  BY e.ts DESC
                     LIMIT  $5) seen) c) counted
LEFT   JOIN LATERAL
      (SELECT e.*
       FROM   audit_events e
       WHERE  /*filter:*/($10::text IS NULL OR e.type = $10) AND ($11::bigint IS NULL OR e.actor_id = $11) AND ($12::text IS NULL OR e.target_id = $12)
              AND ($13::text IS NULL OR e.request_id = $13)/*:filter*/
       AND    ($8::text IS NULL OR e.outcome = $8) AND ($9::text IS NULL OR e.target_type = $9)
       AND    e.ts >= $6 AND e.ts < $7
       AND    /*place:*/(e.ts, e.id) < ($1::text::timestamptz, $2::text::uuid)/*:place*/
       ORDER  BY e.ts /*direction:*/DESC/*:direction*/, e.id /*direction:*/DESC/*:direction*/
       LIMIT  $3 OFFSET $4) page ON true;
