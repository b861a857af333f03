-- Tokens that are refused with and without the row, some at a time.
-- $1 limit integer
DELETE /* Email/PurgeEmailTokens.delete_expired */ FROM email_tokens
WHERE  token_hash IN (SELECT token_hash FROM email_tokens WHERE expires_at < now() ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED);
