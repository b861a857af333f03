-- Accounts that signed in last. Ids of sessions are in the order in which they began.
-- $1 sessions integer
-- -> user_id bigint   (at most one row for each of that many sessions)
SELECT /* Authorization/WarmUpRights.find_recent */ DISTINCT recent.user_id
FROM   (SELECT s.user_id FROM sessions s ORDER BY s.id DESC LIMIT $1) recent;
