-- One page of a webhook's tries, and how many there are, together. Marked places are filled with what the request asks for: order, and where the page begins. The total looks at no
-- more than $5 tries; if there are more, it is at least so many.
-- $1 place_key text
-- $2 place_tie text
-- $3 limit integer
-- $4 offset integer
-- $5 rows_for_total bigint
-- $6 id bigint
-- -> total bigint, is_estimate boolean, place_key text, place_tie text, message_id uuid, type text, try integer, at timestamptz, status integer, duration_ms bigint,
--    error text, change_id bigint   (no row: no such webhook; place_key is null: the page is empty)
SELECT /* Webhooks/ListDeliveries.list_deliveries */
       counted.total, counted.is_estimate, page.id::text AS place_key, coalesce($2::text, '') AS place_tie, page.message_id, page.type, page.try, page.at, page.status,
       page.duration_ms, page.error, page.change_id
FROM   webhooks w
CROSS  JOIN LATERAL
      (SELECT CASE WHEN $5 = 0 THEN NULL ELSE count(*) END AS total, ($5 > 0 AND count(*) = $5) IS TRUE AS is_estimate
       FROM  (SELECT FROM webhook_deliveries d WHERE d.webhook_id = w.id LIMIT $5) seen) counted
LEFT   JOIN LATERAL
      (SELECT d.*
       FROM   webhook_deliveries d
       WHERE  d.webhook_id = w.id
       AND    /*place:*/d.id < $1::text::bigint/*:place*/
       ORDER  BY d.id /*direction:*/DESC/*:direction*/
       LIMIT  $3 OFFSET $4) page ON true
WHERE  w.id = $6;
