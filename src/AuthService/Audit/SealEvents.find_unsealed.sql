-- What comes next in the chain. Only of transactions below every one that is still under way: no row can come in before these any more. After a dump was restored
-- into another cluster ($4), first what that one's successor has not reached; their own are met when the place has gone back to the beginning. A row that has a seal
-- is said to have one: the place may lie before it.
-- The limits stand in subqueries, where no plan sees them: statistics are always behind the newest xids, so it would expect one row, and sort a million. The
-- seal is asked for by its number: for EXISTS in this place the planner may read all seals into a table first.
-- $1 place_xid text
-- $2 place_id uuid
-- $3 limit integer
-- $4 from_elsewhere boolean
-- -> is_sealed boolean, sealed_at timestamptz, id uuid, ts timestamptz, type text, actor_type text, actor_id bigint, session_id uuid, target_type text, target_id text,
--    outcome text, reason text, diff text, ip text, user_agent text, request_id text, trace_id text, xid text
WITH next AS MATERIALIZED (
    SELECT e.*
    FROM   audit_events e
    WHERE  (e.xid, e.id) > ((SELECT $1::text::xid8), (SELECT $2::uuid))
    AND    e.xid < (SELECT CASE WHEN $4::boolean THEN '18446744073709551615'::xid8 ELSE pg_snapshot_xmin(pg_current_snapshot()) END)
    ORDER  BY e.xid, e.id
    LIMIT  $3
)
SELECT /* Audit/SealEvents.find_unsealed */
       (SELECT s.number FROM audit_seals s WHERE s.event_id = n.id) IS NOT NULL AS is_sealed, now() AS sealed_at,
       n.id, n.ts, n.type, n.actor_type, n.actor_id, n.session_id, n.target_type, n.target_id, n.outcome, n.reason, n.diff::text, n.ip::text, n.user_agent, n.request_id,
       n.trace_id, n.xid::text
FROM   next n
ORDER  BY n.xid, n.id;
