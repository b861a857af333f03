-- The sessions of an account, but for one that may stay. The caller has moved users.version in the same transaction, before.
-- $1 user_id bigint
-- $2 except_id uuid
-- $3 reason text
UPDATE /* Sessions/EndSessions.end_all */ sessions
SET    revoked_at = now(), revoked_reason = $3
WHERE  user_id = $1 AND revoked_at IS NULL AND ($2::uuid IS NULL OR id <> $2);
