-- Sessions that can't come back, some at a time. Their tokens are refused with and without the row. SKIP LOCKED: nodes that
-- purge at the same time share the work.
-- $1 limit integer
DELETE /* Sessions/PurgeExpiredSessions.delete_expired */ FROM sessions
WHERE  id IN (SELECT id FROM sessions WHERE absolute_expires_at < now() ORDER BY absolute_expires_at LIMIT $1 FOR UPDATE SKIP LOCKED);
