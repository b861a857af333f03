-- The session, unless the account has changed since its password was checked. FOR SHARE holds the account as it is until
-- the commit, also where this statement runs without touch_user before it.
-- $1 id uuid
-- $2 user_id bigint
-- $3 version bigint
-- $4 cur_hash bytea
-- $5 idle_timeout interval
-- $6 absolute_timeout interval
-- $7 amr text[]
-- $8 ip inet
-- $9 user_agent text
-- -> created_at timestamptz   (0 or 1 row)
WITH account AS (
    SELECT u.id FROM users u WHERE u.id = $2 AND u.version = $3 AND u.is_active AND u.deleted_at IS NULL FOR SHARE
)
INSERT /* Sessions/StartSession.insert_session */
INTO   sessions (id, user_id, cur_hash, idle_expires_at, absolute_expires_at, amr, ip, user_agent)
SELECT $1, a.id, $4, least(now() + $5::interval, now() + $6::interval), now() + $6::interval, $7, $8, $9 FROM account a
RETURNING created_at;
