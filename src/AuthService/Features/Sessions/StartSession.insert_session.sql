-- The session, unless the account has changed since its password was checked. FOR SHARE holds the account as it is until
-- the commit, also where this statement runs without touch_user before it. Where no session of the account that is still stored came from this network
-- (/24, /64) with this program, a mail is to say so: enqueued here, so that a log-in has no statement more.
-- $1 id uuid
-- $2 user_id bigint
-- $3 version bigint
-- $4 cur_hash bytea
-- $5 idle_timeout interval
-- $6 absolute_timeout interval
-- $7 amr text[]
-- $8 ip inet
-- $9 user_agent text
-- $10 device_may_be_new boolean
-- $11 job_id uuid
-- $12 job_kind text
-- $13 job_arguments text
-- $14 last_try integer
-- -> created_at timestamptz   (0 or 1 row)
WITH account AS (
    SELECT u.id FROM users u WHERE u.id = $2 AND u.version = $3 AND u.is_active AND u.deleted_at IS NULL FOR SHARE
), new_device AS (
    SELECT a.id
    FROM   account a
    WHERE  $10 AND NOT EXISTS (
        SELECT FROM sessions s
        WHERE  s.user_id = a.id AND s.user_agent IS NOT DISTINCT FROM $9::text
        AND    network(set_masklen(s.ip, CASE family(s.ip) WHEN 4 THEN 24 ELSE 64 END))
               IS NOT DISTINCT FROM network(set_masklen($8::inet, CASE family($8::inet) WHEN 4 THEN 24 ELSE 64 END)))
), told AS (
    INSERT INTO jobs (id, kind, arguments, run_at, last_try)
    SELECT $11, $12, $13::text::jsonb, now(), $14 FROM new_device
)
INSERT /* Sessions/StartSession.insert_session */
INTO   sessions (id, user_id, cur_hash, idle_expires_at, absolute_expires_at, amr, ip, user_agent)
SELECT $1, a.id, $4, least(now() + $5::interval, now() + $6::interval), now() + $6::interval, $7, $8, $9 FROM account a
RETURNING created_at;
