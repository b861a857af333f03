-- Counts that begin anew with the next mail, some at a time.
-- $1 limit integer
DELETE /* Email/PurgeEmailTokens.delete_counts */ FROM email_counts
WHERE  (user_id, mail) IN (SELECT user_id, mail FROM email_counts WHERE began_at < now() - interval '1 hour' ORDER BY began_at LIMIT $1 FOR UPDATE SKIP LOCKED);
