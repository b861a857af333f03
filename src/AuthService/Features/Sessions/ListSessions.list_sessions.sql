-- The live sessions of an account, newest first.
-- $1 user_id bigint
-- $2 limit integer
-- -> id uuid, created_at timestamptz, rotated_at timestamptz, idle_expires_at timestamptz, absolute_expires_at timestamptz, ip text, user_agent text
SELECT /* Sessions/ListSessions.list_sessions */
       id, created_at, rotated_at, idle_expires_at, absolute_expires_at, host(ip), user_agent
FROM   sessions
WHERE  user_id = $1 AND revoked_at IS NULL AND now() < idle_expires_at AND now() < absolute_expires_at
ORDER  BY created_at DESC, id DESC
LIMIT  $2;
