-- Some seals in their order, each with its event: looked up one by one, so that a piece costs the same wherever it is.
-- $1 after bigint
-- $2 upto bigint
-- $3 limit integer
-- -> number bigint, event_id uuid, event_ts timestamptz, sealed_at timestamptz, digest bytea, hash bytea, id uuid, ts timestamptz, type text, actor_type text,
--    actor_id bigint, session_id uuid, target_type text, target_id text, outcome text, reason text, diff text, ip text, user_agent text, request_id text, trace_id text,
--    xid text   (id is null: the event is not there)
SELECT /* Audit/VerifyTrail.read_seals */
       s.number, s.event_id, s.event_ts, s.sealed_at, s.digest, s.hash,
       e.id, e.ts, e.type, e.actor_type, e.actor_id, e.session_id, e.target_type, e.target_id, e.outcome, e.reason, e.diff::text, e.ip::text, e.user_agent, e.request_id,
       e.trace_id, e.xid::text
FROM  (SELECT n.* FROM audit_seals n WHERE n.number > $1 AND n.number <= $2 ORDER BY n.number LIMIT $3) s
LEFT   JOIN LATERAL (SELECT a.* FROM audit_events a WHERE a.ts = s.event_ts AND a.id = s.event_id LIMIT 1) e ON true
ORDER  BY s.number;
