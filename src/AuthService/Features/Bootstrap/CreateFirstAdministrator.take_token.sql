-- A token that is good, used up by being found.
-- $1 token_hash bytea
-- -> token_hash bytea   (0 or 1 row)
DELETE /* Bootstrap/CreateFirstAdministrator.take_token */ FROM bootstrap_tokens
WHERE  token_hash = $1 AND created_at > now() - interval '24 hours'
RETURNING token_hash;
