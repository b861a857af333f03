-- Events of one node, as arrays of equal length. The database's clock dates them; what waited in a buffer says for how long.
-- $1 id uuid[]
-- $2 waited interval[]
-- $3 type text[]
-- $4 actor_type text[]
-- $5 actor_id bigint[]
-- $6 session_id uuid[]
-- $7 target_type text[]
-- $8 target_id text[]
-- $9 outcome text[]
-- $10 reason text[]
-- $11 diff text[]
-- $12 ip inet[]
-- $13 user_agent text[]
-- $14 request_id text[]
-- $15 trace_id text[]
INSERT /* Audit/AuditTrail.insert_events */
INTO   audit_events (id, ts, type, actor_type, actor_id, session_id, target_type, target_id, outcome, reason, diff, ip, user_agent, request_id, trace_id)
SELECT e.id, now() - e.waited, e.type, e.actor_type, e.actor_id, e.session_id, e.target_type, e.target_id, e.outcome, e.reason, e.diff::jsonb,
       e.ip, e.user_agent, e.request_id, e.trace_id
FROM   unnest($1::uuid[], $2::interval[], $3::text[], $4::text[], $5::bigint[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[],
              $11::text[], $12::inet[], $13::text[], $14::text[], $15::text[])
       AS e (id, waited, type, actor_type, actor_id, session_id, target_type, target_id, outcome, reason, diff, ip, user_agent, request_id, trace_id);
