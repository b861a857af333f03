-- The newest seal before the first one whose event is kept. Seals are nearly in the order of time, so the search is short: it begins where the last one ended.
-- $1 after bigint
-- $2 before timestamptz
-- -> number bigint, hash bytea   (no row: none goes)
SELECT /* Audit/ForgetEvents.find_first */ s.number, s.hash
FROM   audit_seals s
WHERE  s.number = coalesce(
           (SELECT k.number FROM audit_seals k WHERE k.number > $1 AND k.event_ts >= $2 ORDER BY k.number LIMIT 1) - 1,
           (SELECT max(m.number) FROM audit_seals m))
AND    s.number > $1;
